"""Activities in the emulator (ministack 1.5.33): a worker that asks is answered soon, not within half a minute.

As it comes it looks twice a second and keeps a worker for a minute, which would hold up a stop of the platform.
"""

import asyncio
import json
import time
from typing import Any

from ministack.services import stepfunctions

LONGEST_S = 0.5
LOOK_S = 0.02


async def get_activity_task(data: dict[str, Any]) -> Any:
    """The next task of an activity; after LONGEST_S none, as the service answers after a minute."""
    arn = data.get("activityArn")
    deadline = time.monotonic() + LONGEST_S
    while not (waiting := stepfunctions._activity_tasks.get(arn, [])) and time.monotonic() < deadline:
        await asyncio.sleep(LOOK_S)
    task = waiting.pop(0) if waiting else {}
    return 200, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(task).encode()


def install() -> None:
    stepfunctions._get_activity_task = get_activity_task
