"""What the documents say is there, is there: commands, files, stacks, routes, settings."""

import re
import shlex
from pathlib import Path

import msgspec
import pytest

from batch_layer.bootstrap import BootstrapSettings
from batch_layer.nightly.settings import FetchSettings, JobSettings, LoadSettings
from local_dev.cli.main import COMMANDS, parser
from local_dev.vendor.settings import parse_speed
from serving_layer.alerts.handler import AlertsSettings
from serving_layer.alerts.request import read_rule
from serving_layer.api.wiring import ApiSettings
from serving_layer.auth.handler import AuthSettings
from serving_layer.push.settings import PushSettings
from shared.bars.windows import STREAM_TIMEFRAMES
from shared.models.alert import IndicatorCross, Move, PriceCross, Rule, StrategySignal
from shared.stores.postgres import PostgresSettings
from speed_layer.ingest.settings import IngestSettings
from speed_layer.notify.handler import NotifySettings
from speed_layer.planner.handler import PlannerSettings
from speed_layer.settings import ArchiveSettings, TableSettings
from speed_layer.signals.settings import SignalsSettings

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXT = "\n".join(document.read_text() for document in DOCUMENTS)
_MAKE = re.compile(r'make ([a-z]+)(?: ARGS="([^"…]*)")?')
_LINK = re.compile(r"\]\(([^)#]+)\)")


def commands() -> list[tuple[str, str]]:
    """(target, ARGS) of every make command that the documents show."""
    return sorted(set(_MAKE.findall(TEXT)))


@pytest.mark.parametrize(("target", "arguments"), commands())
def test_a_make_command_of_the_documents_is_a_target_and_its_arguments_are_taken(target: str, arguments: str) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    if target not in targets:  # "make up", "make the", ... are English
        assert target not in {"run", "test", "bench", "fmt", "synth", "condvest", "deploy", "soak", "parity"}
        assert not arguments
        return
    if target in {"run", "condvest"} and arguments:
        words = shlex.split(arguments)
        options = parser().parse_args(words if target == "condvest" else ["up", *words])
        if speed := getattr(options, "speed", None):
            parse_speed(speed)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_link_to_a_file_leads_somewhere(document: Path) -> None:
    links = [link for link in _LINK.findall(document.read_text()) if "://" not in link]
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:shared|speed_layer|local_dev|stacks|docs)/[\w./-]+)`", TEXT)))
)
def test_a_file_that_is_named_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_every_command_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [name for name in COMMANDS if name != "up" and f'ARGS="{name}' not in readme] == []
    assert "`condvest up`" in readme


def test_every_setting_is_in_the_documents() -> None:
    speed = (IngestSettings, ArchiveSettings, TableSettings, SignalsSettings, NotifySettings, PlannerSettings)
    batch = (FetchSettings, LoadSettings, JobSettings, BootstrapSettings)
    kinds = (*speed, *batch, ApiSettings, AlertsSettings, AuthSettings, PostgresSettings, PushSettings)
    names = {field.name.upper() for kind in kinds for field in msgspec.structs.fields(kind)}
    assert {name for name in names if f"`{name}`" not in TEXT} == set()


def test_every_stack_and_route_is_in_the_reference() -> None:
    reference = (ROOT / "docs/reference.md").read_text()
    stacks = re.findall(
        r"^class (\w+)Stack\(", "".join(p.read_text() for p in (ROOT / "stacks").glob("*.py")), re.MULTILINE
    )
    assert len(stacks) >= 4
    assert [name for name in stacks if f"| `{name.lower()}` |" not in reference] == []
    routes = re.findall(r'"(/v\d/[^"]+)"', (ROOT / "stacks/serving.py").read_text())
    assert len(routes) >= 2
    assert [route for route in routes if f"`GET {route}`" not in reference] == []


def test_every_stream_timeframe_is_in_the_glossary() -> None:
    assert " ".join(STREAM_TIMEFRAMES) in (ROOT / "docs/glossary.md").read_text()


@pytest.mark.parametrize("text", re.findall(r"```json\n(.*?)\n```", (ROOT / "docs/alerts.md").read_text(), re.DOTALL))
def test_an_alert_of_the_documents_is_a_rule(text: str) -> None:
    rule = read_rule(text.encode())
    assert rule.ticker in {"SPY", "AAPL"}


def test_every_condition_and_field_of_a_rule_is_in_the_document_of_alerts() -> None:
    document = (ROOT / "docs/alerts.md").read_text()
    kinds = (PriceCross, Move, IndicatorCross, StrategySignal)
    names = {name for kind in (*kinds, Rule) for name in kind.__struct_fields__} - {"ticker", "when"}
    assert [name for name in sorted(names) if f"`{name}`" not in document] == []
    assert [kind.__name__ for kind in kinds if f"| `{kind.__struct_config__.tag}` |" not in document] == []
