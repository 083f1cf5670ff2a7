"""Keys: minted, hashed, checked."""

import hashlib
import hmac
from typing import Any

import pytest

from serving_layer.auth import keys
from serving_layer.auth.keys import KEPT_S, Caller, KeyCheck, hash_key, mint, record_of


class Records:
    """Stored records, and how often they were asked for."""

    def __init__(self, records: dict[str, dict[str, Any]]) -> None:
        self.records = records
        self.asked: list[str] = []

    def key(self, key_id: str) -> dict[str, Any] | None:
        self.asked.append(key_id)
        return self.records.get(key_id)


class Clock:
    """Moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_minted_key_opens_what_it_was_minted_for(clock: Clock) -> None:
    key_id, key = mint(["bars:read", "live:read"])
    check = KeyCheck(Records({key_id: record_of(key, ["bars:read", "live:read"])}), clock)
    assert check.caller(key) == Caller(key_id, ("bars:read", "live:read"))


def test_keys_have_their_form_and_never_repeat() -> None:
    minted = [mint(["bars:read"]) for _ in range(100)]
    assert len({key for _, key in minted}) == 100
    for key_id, key in minted:
        prefix, given, secret = key.split("_", 2)
        assert (prefix, given) == ("cv", key_id)
        assert len(secret) == 43


def test_a_scope_that_nothing_asks_for_cannot_be_given() -> None:
    with pytest.raises(ValueError, match="bars:write"):
        mint(["bars:write"])


def test_the_delayed_plan_goes_with_bars_only() -> None:
    _, key = mint(["bars:read"])
    assert record_of(key, ["bars:read"], "delayed")["plan"] == "delayed"
    for scope in ("live:read", "alerts:write"):
        with pytest.raises(ValueError, match=scope):
            record_of(key, ["bars:read", scope], "delayed")


def test_a_record_from_before_there_were_plans_is_of_the_live_one(clock: Clock) -> None:
    key_id, key = mint(["bars:read"])
    record = {name: value for name, value in record_of(key, ["bars:read"]).items() if name != "plan"}
    assert KeyCheck(Records({key_id: record}), clock).caller(key) == Caller(key_id, ("bars:read",), "live")


def test_a_vouched_key_is_looked_up_by_its_hash_and_opens_what_both_say(clock: Clock) -> None:
    key_id, key = mint(["bars:read", "live:read"])
    check = KeyCheck(Records({key_id: record_of(key, ["bars:read", "live:read"])}), clock)
    said = f"{key_id}.{hash_key(key)}"
    assert check.vouched(said, "live", "bars:read,live:read") == Caller(key_id, ("bars:read", "live:read"))
    assert check.vouched(said, "live", "live:read,alerts:write") == Caller(key_id, ("live:read",))
    assert check.vouched(said, "delayed", "bars:read") is None
    for wrong in ("", key, key_id, f"{key_id}.", f"{key_id}.{hash_key('')}", f"{'0' * 12}.{'0' * 64}", f" {said}"):
        assert check.vouched(wrong, "live", "bars:read") is None


def test_a_record_holds_the_hash_of_the_whole_key_and_nothing_of_the_key() -> None:
    _, key = mint(["bars:read"])
    record = record_of(key, ["bars:read"])
    assert record["hash"] == hash_key(key) == hashlib.sha256(key.encode()).hexdigest()
    assert key.split("_", 2)[2] not in str(record)


def test_a_wrong_secret_an_unknown_id_a_malformed_key_and_none_are_refused_alike(clock: Clock) -> None:
    key_id, key = mint(["bars:read"])
    _, other = mint(["bars:read"])
    check = KeyCheck(Records({key_id: record_of(key, ["bars:read"])}), clock)
    wrong = f"cv_{key_id}_{other.split('_', 2)[2]}"
    for refused in (wrong, other, "", "null", "x" * 10_000, f" {key}", f"{key}x", key.upper(), "cv__", "\ud800", "é"):
        assert check.caller(refused) is None


def test_every_refusal_costs_one_look_at_the_table_and_one_comparison(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the time taken tells nothing about which rule the key broke."""
    compared: list[int] = []

    def compare(given: str, stored: str) -> bool:
        compared.append(len(stored))
        return given == stored

    monkeypatch.setattr(hmac, "compare_digest", compare)
    records = Records({})
    for refused in ("", "nonsense", mint(["bars:read"])[1]):
        KeyCheck(records, clock).caller(refused)
    assert len(records.asked) == 3
    assert compared == [64, 64, 64]


def test_a_revoked_key_stops_working_within_a_minute(clock: Clock) -> None:
    key_id, key = mint(["bars:read"])
    records = Records({key_id: record_of(key, ["bars:read"])})
    check = KeyCheck(records, clock)
    assert check.caller(key)
    records.records[key_id] = {**records.records[key_id], "revoked": True}
    clock.now += KEPT_S
    assert check.caller(key) is None
    assert KEPT_S <= 60


def test_a_removed_key_stops_working_too(clock: Clock) -> None:
    key_id, key = mint(["bars:read"])
    records = Records({key_id: record_of(key, ["bars:read"])})
    check = KeyCheck(records, clock)
    assert check.caller(key)
    records.records.clear()
    clock.now += KEPT_S
    assert check.caller(key) is None


def test_a_known_key_is_looked_up_once_while_it_is_kept(clock: Clock) -> None:
    key_id, key = mint(["bars:read"])
    records = Records({key_id: record_of(key, ["bars:read"])})
    check = KeyCheck(records, clock)
    for _ in range(5):
        check.caller(key)
    assert records.asked == [key_id]


def test_made_up_ids_do_not_fill_the_memory(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "MOST_KEPT", 3)
    minted = dict(mint(["bars:read"]) for _ in range(10))
    records = Records({key_id: record_of(key, ["bars:read"]) for key_id, key in minted.items()})
    check = KeyCheck(records, clock)
    for key in (*minted.values(), *(mint(["bars:read"])[1] for _ in range(10))):
        check.caller(key)
    assert len(check._kept) <= 3
