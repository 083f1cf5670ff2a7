"""`python -m batch_layer.nightly STEP DATE`: one of the steps in jobs.py; exit code 0 when it is done."""

import sys
from datetime import date

from batch_layer.nightly.jobs import wire
from shared.errors import CondvestError
from shared.observability import event, logger

STEPS = ("land", "rebuild", "multi_session", "reconcile")
log = logger("nightly")


def main(arguments: list[str]) -> int:
    """2 for arguments that name no step or date."""
    try:
        step, text = arguments
        day = date.fromisoformat(text)
    except ValueError:
        step, day = "", date.min
    if step not in STEPS:
        sys.stderr.write(f"usage: python -m batch_layer.nightly {'|'.join(STEPS)} YYYY-MM-DD\n")
        return 2
    try:
        event(log, 20, step, day=str(day), done=getattr(wire(), step)(day))
    except CondvestError as error:
        event(log, 40, step, day=str(day), error=f"{type(error).__name__}: {error}")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
