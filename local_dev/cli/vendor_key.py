"""The vendor's key and hosts, from the environment, `.env` or `../.env`: the first place that has one counts.

A key is only ever handed on: nothing here or elsewhere prints it.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from local_dev.cli.errors import WrongInput

KEY_NAMES: Final = ("POLYGON_API_KEY", "MASSIVE_API_KEY")
FILES = (Path(".env"), Path("..") / ".env")
NO_KEY_NEEDED: Final = "the simulator needs no key: --feed sim"


@dataclass(frozen=True)
class Setting:
    """A value, and where it was found; its text form does not show the value."""

    name: str
    place: str
    value: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.name} from {self.place}"


def vendor_key(what: str = "--feed polygon", otherwise: str = NO_KEY_NEEDED) -> str:
    """The key. Raises WrongInput when there is none, or it cannot be one.

    `what` needs it, and `otherwise` is what goes without.
    """
    found = find_key()
    if found is None:
        where = "the environment, .env or ../.env"
        raise WrongInput(f"{what} needs a key: set {KEY_NAMES[0]} in {where}; {otherwise}.")
    return found.value


def find_key() -> Setting | None:
    """None when no key is set. Raises WrongInput for a value that cannot be sent as a key."""
    found = find(KEY_NAMES)
    if found is not None and not (found.value.isascii() and found.value.isprintable() and " " not in found.value):
        raise WrongInput(f"{found} cannot be a key: it holds characters that no key has.")
    return found


def find(names: tuple[str, ...]) -> Setting | None:
    """The first of `names` that is set and not empty, in the first place that has any of them.

    Raises WrongInput when a file is there but cannot be read.
    """
    places: list[tuple[str, Mapping[str, str]]] = [("the environment", os.environ)]
    places += [(str(file), _read(file)) for file in FILES]
    for place, values in places:
        for name in names:
            if value := values.get(name, "").strip():
                return Setting(name, place, value)
    return None


def _read(file: Path) -> dict[str, str]:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise WrongInput(f"{file} cannot be read ({type(error).__name__}).") from error
    pairs = (_pair(line) for line in text.splitlines())
    return dict(pair for pair in pairs if pair is not None)


def _pair(line: str) -> tuple[str, str] | None:
    """`NAME=value`, with `export ` before it and quotes around the value left out; None for any other line."""
    name, equals, value = line.strip().removeprefix("export ").partition("=")
    if not equals or name.startswith("#"):
        return None
    value = value.strip()
    if value[:1] in {"'", '"'} and value[:1] in value[1:]:
        return name.strip(), value[1:].partition(value[0])[0]
    return name.strip(), value.partition(" #")[0].strip()
