"""Which files a recording is made of."""

from pathlib import Path

from local_dev.vendor.errors import WrongInputError

SUFFIXES = (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz")


def find_files(path: Path) -> list[Path]:
    """A file itself, or the recorded files of a folder (or of its `trades` folder) by name.

    Raises WrongInputError when there are none.
    """
    files = _recorded(path)
    if files:
        return files
    if path.is_dir():
        raise WrongInputError(f"{path} holds no recorded trades (files ending in {', '.join(SUFFIXES)})")
    raise WrongInputError(f"{path} does not exist")


def has_trades(path: Path) -> bool:
    return bool(_recorded(path))


def _recorded(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    for folder in (path, path / "trades"):
        if folder.is_dir():
            files = sorted(file for file in folder.iterdir() if file.is_file() and file.name.endswith(SUFFIXES))
            if files:
                return files
    return []
