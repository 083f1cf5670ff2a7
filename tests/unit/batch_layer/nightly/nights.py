"""Steps of nights a day apart, and what their alarms tell of each."""

from collections.abc import Callable

import pytest

from shared import metrics as measuring
from stacks.alarms import ALARMS
from tests.fakes.cloudwatch import NAMESPACE, Metrics, changes

FIRST_S = 1_381_278_000
"""20:20 on 2013-10-08 in New York."""
DAY_S = 86_400


class Nights:
    """Metrics are measured at the time of a night, Unix s."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._now, self._nights = FIRST_S - DAY_S, 0

        class Time:
            time = staticmethod(lambda: self._now)

        patch.setenv("METRICS_NAMESPACE", NAMESPACE)
        patch.setattr(measuring, "time", Time)

    def run(self, step: Callable[[], object]) -> None:
        """A step of the next night."""
        self._now += DAY_S
        self._nights += 1
        step()

    def told(self, name: str, capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
        """The states of an alarm that somebody was told of, night by night."""
        (alarm,) = [one for one in ALARMS if one.name == name]
        metrics = Metrics()
        metrics.read(capsys.readouterr().out)
        starts = [FIRST_S + n * DAY_S for n in range(self._nights)]
        return [changes(alarm, metrics, start - 600, start + 7_200) for start in starts]
