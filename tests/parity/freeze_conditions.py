"""Writes tests/answers/conditions.json, the reference's own copy: `python -m tests.parity.freeze_conditions`.

Only what the reference reads is kept, so that parity on generated trades needs nothing outside the repository.
"""

import json
from pathlib import Path
from typing import Any

from tests.parity.reference import FROZEN_CONDITIONS, ROOT

PUBLISHED = ROOT.parent / "shared/polygon/conditions.json"


def frozen(published: Path) -> dict[str, Any]:
    """The ids of Polygon's trade conditions with their consolidated update rules, as published, with the source."""
    table = json.loads(published.read_text())
    return {
        "source": table["about"],
        "as_of": table["as_of"],
        "results": [
            {"id": row["id"], "name": row["name"], "update_rules": _consolidated(row["update_rules"])}
            for row in table["results"]
        ],
    }


def _consolidated(rules: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if rules is None else {"consolidated": rules["consolidated"]}


def text(table: dict[str, Any]) -> str:
    """One id a line: a change of a rule shows as a change of a line."""
    head = "".join(f"  {json.dumps(key)}: {json.dumps(table[key])},\n" for key in ("source", "as_of"))
    rows = ",\n".join(f"    {json.dumps(row)}" for row in table["results"])
    return f'{{\n{head}  "results": [\n{rows}\n  ]\n}}\n'


if __name__ == "__main__":
    FROZEN_CONDITIONS.write_text(text(frozen(PUBLISHED)))
