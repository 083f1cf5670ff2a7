"""The check itself: what it counts, and that a failing step ends it."""

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


@pytest.mark.parametrize("failing", [*check.STATIC, *check.TESTS])
def test_the_first_failing_step_ends_the_check(failing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []

    def step(name: str, _tool: str, _arguments: list[str]) -> bool:
        ran.append(name)
        return name != failing

    monkeypatch.setattr(check, "run_step", step)
    assert check.main() != 0
    assert ran[-1] == failing
