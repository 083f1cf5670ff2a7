"""The table of prices: dated, sourced, all used; old ones are told."""

from datetime import timedelta
from pathlib import Path

import pytest

from local_dev.cost.prices import OLD_DAYS, TABLE, outdated, prices
from local_dev.cost.show import warning

SOURCES = "".join(path.read_text() for path in TABLE.parent.glob("*.py"))
BUILT = ("fargate_arm", "fargate_x86", "lambda_arm", "lambda_x86", "valkey")
"""How names begin that the code puts together."""


def test_every_price_is_positive_with_source_and_unit_and_is_asked_for() -> None:
    held = prices()
    assert len(held) > 50
    for price in held.values():
        assert price.usd > 0
        assert len(price.source) > 10
        assert price.unit
        assert f'"{price.name}"' in SOURCES or price.name.startswith(BUILT), f"{price.name} is used by nobody"


def test_prices_are_old_after_180_days_and_not_before() -> None:
    held = prices()
    first = min(price.read for price in held.values())
    assert outdated(held, first + timedelta(days=OLD_DAYS)) == []
    old = outdated(held, first + timedelta(days=OLD_DAYS + 1))
    assert {price.read for price in old} == {first}
    (told,) = warning(old)
    assert told.startswith(f"{len(old)} prices were last looked up more than 180 days ago, the oldest ")
    assert str(first) in told
    assert list(warning([])) == []


def test_a_price_without_a_date_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "prices.toml"
    table.write_text('[shard]\nusd = 1\nunit = "hour"\nsource = "somewhere"\n')
    with pytest.raises(KeyError, match="read"):
        prices(table)
