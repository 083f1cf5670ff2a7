"""Reads of streams that the emulator holds until there is something to read (`emulator_reads`): the reader's side."""

from collections.abc import Mapping
from typing import Any

PATIENT = "patient-reader"
"""An application of this name waits: the SDK puts it into every user agent (user_agent_appid, AWS_SDK_UA_APP_ID)."""
HELD = "x-condvest-held"
"""Header of an answer: for how many seconds. AWS does not send it."""


def held_s(answer: Mapping[str, Any]) -> float:
    """For how long a read was held: 0 where nothing holds any."""
    return float(answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get(HELD, 0.0))
