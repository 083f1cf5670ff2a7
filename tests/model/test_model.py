"""Seeds of the state machine: 100 in `make test`, 1,000 in `make soak`. `SEED=17 make soak` plays one of them again."""

import os
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from hypothesis.stateful import run_state_machine_as_test

from speed_layer.ingest.gap import Gap
from speed_layer.ingest.publisher import Publisher
from speed_layer.ingest.service import Ingester
from tests.effort import everything
from tests.model import machine
from tests.model.checks import check_end
from tests.model.machine import Platform
from tests.model.world import World

SEEDS = 1_000 if everything() else 100
GROUPS = 10
STEPS = 18
PLANTED_WITHIN = 25
"""Seeds within which a planted bug must be found."""
HAPPENED: Counter[str] = Counter()


class Seeded(HypothesisProvider):
    """Draws as Hypothesis does, from one seed and without its preference for what is small."""

    seed = 0

    def __init__(self, conjecturedata: Any, /) -> None:
        super().__init__(conjecturedata)
        self._random = random.Random(self.seed)


AVAILABLE_PROVIDERS["seeded"] = Seeded


def play(number: int, *, shrink: bool = True) -> None:
    """One seed: after the least that can happen, a run that is drawn from it; what fails is shrunk."""
    Seeded.seed = number
    chosen = settings(
        max_examples=2,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        suppress_health_check=list(HealthCheck),
        backend="seeded",
    )
    try:
        run_state_machine_as_test(Platform, settings=chosen)
    except BaseException as error:
        error.add_note(f"to play it again: SEED={number} make soak")
        raise


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """What happened in each run is added up."""

    def check(world: World) -> None:
        HAPPENED.update(world.happened)
        HAPPENED["signals"] += len(world.readers.signals.inserted)
        HAPPENED["holes"] += len(world.holes)
        HAPPENED["table away"] += world.epochs.refused
        check_end(world)

    monkeypatch.setattr(machine, "check_end", check)


def seeds_of(group: int) -> range:
    named = os.environ.get("SEED")
    if named:
        return range(int(named), int(named) + (group == 0))
    return range(group * SEEDS // GROUPS, (group + 1) * SEEDS // GROUPS)


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("group", range(GROUPS))
@pytest.mark.usefixtures("counted")
def test_whatever_happens_the_invariants_hold(group: int) -> None:
    for number in seeds_of(group):
        play(number)


@pytest.mark.skipif("SEED" in os.environ, reason="one seed need not hold everything")
def test_everything_that_may_happen_did() -> None:
    """Runs after the seeds, in their process."""
    expected = {*machine.EVENTS, "kill", "lost ack", "refusal", "holes", "signals", "table away"} - {"nothing"}
    assert expected <= {what for what, count in HAPPENED.items() if count}, HAPPENED


async def _take_all_for_stored(self: Publisher, entries: Any, taken: Any) -> None:
    await SETTLE(self, entries, [True] * len(entries))


def _forget_hole(self: Gap, end_ms: int) -> None:
    self._unfilled_from, self._given_up = None, False


def _end_early(self: Gap, end_ms: int) -> None:
    END_HOLE(self, end_ms - 4_000)


SETTLE, END_HOLE = Publisher._settle, Gap._end_hole
PLANTED: dict[str, tuple[type, str, Any]] = {
    "what the stream refused is taken for stored": (Publisher, "_settle", _take_all_for_stored),
    "a successor does not remember what the stream holds": (Ingester, "_remember", lambda self, part: None),
    "a gap that was given up is not told": (Gap, "_end_hole", _forget_hole),
    "a hole ends before the feed went on": (Gap, "_end_hole", _end_early),
    "a hole is in no heartbeat though the table does not have it": (Gap, "untold_from", Gap.unfilled_from),
}
FIRST = {"a hole is in no heartbeat though the table does not have it": 150}
"""Seed from which a bug is looked for that needs more to happen at once than others."""


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, name, instead = PLANTED[bug]
    monkeypatch.setattr(owner, name, instead)
    first = FIRST.get(bug, 0)
    for number in range(first, first + PLANTED_WITHIN):
        try:
            play(number, shrink=False)
        except AssertionError as found:
            notes = "".join(found.__notes__)
            break
    else:
        pytest.fail(f"{PLANTED_WITHIN} seeds did not find it")
    assert f"SEED={number} make soak" in notes
