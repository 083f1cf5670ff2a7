"""The folder that holds everything one local platform keeps: whose it is, which feed it belongs to, who uses it now."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from shared.errors import PermanentError

Spans = tuple[tuple[int, int], ...]

VERSION = 1
VERSION_FILE = "condvest-state.json"
LOCK_FILE = "lock"


class WrongState(PermanentError):
    """The folder cannot be used as asked; the message is one sentence for the terminal and names the way out."""


@dataclass(frozen=True)
class Source:
    """What a feed is, for deciding whether two runs belong together. `feed`: an absolute path, `sim`, `polygon` or
    `none`; `pace`: how its time runs, where that makes it another feed (`10x`)."""

    feed: str
    symbols: str = "*"
    pace: str = ""

    @property
    def is_simulated(self) -> bool:
        return self.feed == "sim"

    @property
    def is_live(self) -> bool:
        """Whether the time of its trades is the host's."""
        return self.feed in {"sim", "polygon"} and not self.pace

    @property
    def fits_any(self) -> bool:
        return self.feed == "none"


@dataclass(frozen=True)
class Record:
    """What is remembered between runs. `source` None: no feed yet. `lake`: the bucket whose objects outlive a kill.
    `past`: spans (since, until; Unix ms) whose minutes were loaded from the simulator's history, in order of time;
    `past_kept`: an unclean stop has not taken them away."""

    source: Source | None = None
    ended: bool = False
    key: str = ""
    lake: str = ""
    past: Spans = ()
    past_kept: bool = True
    version: int = VERSION

    @property
    def is_simulated(self) -> bool:
        return self.source is not None and self.source.is_simulated

    @property
    def is_live(self) -> bool:
        return self.source is not None and self.source.is_live


class StateFolder:
    """Open, and ours alone until `close`."""

    def __init__(self, path: Path, record: Record, lock: TextIO) -> None:
        self.path, self._record, self._lock = path, record, lock

    @property
    def record(self) -> Record:
        return self._record

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    def remember(self, **changes: Any) -> None:
        self._record = replace(self._record, **changes)
        write_json(self.path / VERSION_FILE, asdict(self._record))

    def close(self) -> None:
        self._lock.close()


def open_state(path: Path, source: Source, *, fresh: bool) -> StateFolder:
    """Open or make the folder for a source. Raises WrongState, having changed nothing.

    `fresh` empties it first, if it is one of ours.
    """
    path = path.resolve()  # its processes run in folders of their own
    if fresh:
        _is_ours(path)
    else:
        check_state(path, source)
    path.mkdir(parents=True, exist_ok=True)
    lock = _locked(path)
    if fresh:
        _empty(path)
    state = StateFolder(path, _read(path) if (path / VERSION_FILE).exists() else Record(), lock)
    if state.record.source is None and not source.fits_any:
        state.remember(source=source)
    elif not (path / VERSION_FILE).exists():
        state.remember()
    return state


def check_state(path: Path, source: Source) -> None:
    """Raises WrongState when the folder cannot be opened for this source as it is."""
    if _is_ours(path):
        _check(path, _read(path), source)


@contextmanager
def claimed(path: Path) -> Iterator[None]:
    """Hold an existing folder of ours while something is done to it as a whole. Raises WrongState."""
    if not _is_ours(path):
        raise WrongState(f"there is no state folder at {path}.")
    lock = _locked(path)
    try:
        yield
    finally:
        lock.close()


def write_json(path: Path, value: Any) -> None:
    """Readers see the old content or the new one, never a part; only this user may read: some of it is the key."""
    work = path.with_name(f".{path.name}.{os.getpid()}")
    work.touch(mode=0o600)
    work.write_text(json.dumps(value, indent=1))
    work.replace(path)


def _is_ours(path: Path) -> bool:
    """False when there is nothing yet. Raises WrongState for anybody else's folder."""
    if not path.exists():
        return False
    if not path.is_dir():
        raise WrongState(f"the state folder {path} is a file: choose another with --state.")
    if (path / VERSION_FILE).exists():
        return True
    if any(entry.name != LOCK_FILE for entry in path.iterdir()):
        raise WrongState(
            f"{path} holds files but no {VERSION_FILE}, so it is no state folder of ours: choose another with --state."
        )
    return False


def _check(path: Path, record: Record, source: Source) -> None:
    if record.version != VERSION:
        raise WrongState(
            f"the state in {path} has version {record.version}, this is version {VERSION}: --fresh starts it anew."
        )
    if record.source is not None and not source.fits_any and record.source != source:
        kept = _difference(record.source, source)
        raise WrongState(f"the state in {path} belongs to {kept}: start anew with --fresh, or take another --state.")


def _difference(kept: Source, given: Source) -> str:
    if kept.feed != given.feed:
        return kept.feed
    return f"{kept.feed} at {kept.pace or '1x'}" if kept.pace != given.pace else f"symbols {kept.symbols}"


def _read(path: Path) -> Record:
    try:
        values = json.loads((path / VERSION_FILE).read_text())
        if values["version"] != VERSION:
            return Record(version=values["version"])
        source = Source(**values.pop("source")) if values["source"] else values.pop("source")
        values["past"] = tuple((since, until) for since, until in values.get("past", ()))
        return Record(source=source, **values)
    except (ValueError, KeyError, TypeError) as error:
        raise WrongState(f"{path / VERSION_FILE} cannot be read: --fresh starts the state anew.") from error


def _locked(path: Path) -> TextIO:
    lock = (path / LOCK_FILE).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise WrongState(f"{path} is in use by another condvest: stop that one, or choose another folder.") from error
    return lock


def _empty(path: Path) -> None:
    """All but the lock; the version file last, so that a removal cut short can be repeated."""
    for entry in sorted(path.iterdir(), key=lambda entry: entry.name == VERSION_FILE):
        if entry.name == LOCK_FILE:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
