"""Where this process's own log goes: a file, so that the terminal stays readable."""

import logging
from pathlib import Path

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def log_to(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=folder / "up.log", level=logging.INFO, format=FORMAT, force=True)
