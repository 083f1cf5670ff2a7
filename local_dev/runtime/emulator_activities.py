"""Activities in the emulator (ministack 1.5.33): a worker that asks is answered soon, not within half a minute.

As it comes it looks twice a second and keeps a worker for a minute, which would hold up a stop of the platform.
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions

LONGEST_S = 0.5
LOOK_S = 0.02


async def held(nothing: Callable[[], bool], look_s: float) -> float:
    """Wait while there is nothing to answer with, LONGEST_S at most; for how many seconds."""
    began = time.monotonic()
    while nothing() and time.monotonic() < began + LONGEST_S:
        await asyncio.sleep(look_s)
    return time.monotonic() - began


async def get_activity_task(data: dict[str, Any]) -> Any:
    """The next task of an activity; after LONGEST_S none, as the service answers after a minute."""
    arn = data.get("activityArn")
    await held(lambda: not stepfunctions._activity_tasks.get(arn), LOOK_S)
    waiting = stepfunctions._activity_tasks.get(arn)
    task = waiting.pop(0) if waiting else {}
    return 200, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(task).encode()


def install() -> None:
    stepfunctions._get_activity_task = get_activity_task
