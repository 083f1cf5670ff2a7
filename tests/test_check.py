"""The check itself: what it counts, and that a failing step ends it."""

import re
from pathlib import Path

import pytest

from tests import check
from tests.check import Tally, closing_lines, tally_of

REPORT = """<testsuites><testsuite>
<testcase name="a"/>
<testcase name="b"><failure message="no"/></testcase>
<testcase name="c"><error message="no fixture"/></testcase>
<testcase name="d"><skipped message="no data"/></testcase>
<testcase name="e"><skipped message="no data"/></testcase>
</testsuite></testsuites>"""


def test_outcomes_are_counted_and_errors_of_fixtures_are_failures(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    tally = tally_of(report)
    assert tally == Tally(1, 2, ("no data", "no data"))
    assert list(closing_lines(tally)) == ["skipped 2: no data", "1 passed, 2 failed, 2 skipped"]


def test_a_run_that_wrote_no_report_has_failed(tmp_path: Path) -> None:
    assert tally_of(tmp_path / "none.xml").failed == 1


@pytest.mark.parametrize("failing", [*check.STATIC, check.QUICK, "types", check.PLATFORM])
def test_a_failing_step_ends_the_check(failing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, asked, given_up = [], [], []

    class Step:
        def __init__(self, name: str, *_command: str, beside: bool = False) -> None:
            self.name = name
            begun.append(name)
            assert beside == (name == "types")

        def went_well(self) -> bool:
            asked.append(self.name)
            return self.name != failing

        def give_up(self) -> None:
            given_up.append(self.name)

    monkeypatch.setattr(check, "Step", Step)
    monkeypatch.setattr(check, "tally_of", lambda _report: Tally(passed=1))
    assert check.main() == 1
    assert asked[-1] == failing
    assert sorted(begun) == sorted(asked + given_up)


def test_tests_of_the_platform_are_in_their_places_and_nowhere_else() -> None:
    modules = set((check.ROOT / "tests").rglob("test_*.py")) - {Path(__file__)}
    places = [check.ROOT / place for place in check.PLATFORM_PLACES]
    inside = {module for place in places for module in ([place] if place.is_file() else place.rglob("test_*.py"))}
    whole = re.compile(r"^pytestmark = (?:\[[^\]]*)?pytest\.mark\.platform", re.MULTILINE)
    assert {module for module in modules if whole.search(module.read_text())} == inside
    assert not [m for m in modules - inside if "mark.platform" in m.read_text()]


def test_a_step_tells_how_it_went_and_shows_what_it_kept(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.Step("version", "ruff", "--version", beside=True).went_well()
    assert not check.Step("nonsense", "ruff", "nonsense", beside=True).went_well()
    said = capsys.readouterr().out
    assert "ruff 0." in said
    assert "version: ok" in said
    assert "nonsense: FAILED (exit 2)" in said
