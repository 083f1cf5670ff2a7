"""Writes shared/bars/conditions.json from a stored copy of Polygon's condition list.

`python -m tests.tools.freeze_conditions [PATH]`; PATH is the reference list with its sources (default: beside the
project). Kept: the consolidated update rules, which are the ones that market-wide bars use.
"""

import json
import sys
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parents[2] / "shared/bars/conditions.json"
REFERENCE = Path(__file__).parents[3] / "shared/polygon/conditions.json"
RULES = ("updates_open_close", "updates_high_low", "updates_volume")


def conditions(reference: dict[str, Any]) -> dict[str, Any]:
    """id -> [open/close, high/low, volume], or null where the vendor states no rule."""
    rules: dict[str, list[bool] | None] = {}
    for row in reference["results"]:
        consolidated = (row["update_rules"] or {}).get("consolidated") or {}
        values = [consolidated.get(rule) for rule in RULES]
        rules[str(row["id"])] = None if None in values else [bool(value) for value in values]
    return {
        "source": "Polygon.io /v3/reference/conditions?asset_class=stocks&data_type=trade, consolidated update rules",
        "as_of": reference["as_of"],
        "rules": list(RULES),
        "conditions": rules,
    }


def render(table: dict[str, Any]) -> str:
    """JSON with one condition a line."""
    rows = ",\n".join(f'  "{key}": {json.dumps(rule)}' for key, rule in table["conditions"].items())
    head = ",\n".join(f' "{key}": {json.dumps(table[key])}' for key in ("source", "as_of", "rules"))
    return f'{{\n{head},\n "conditions": {{\n{rows}\n }}\n}}\n'


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else REFERENCE
    TABLE.write_text(render(conditions(json.loads(path.read_text()))))
