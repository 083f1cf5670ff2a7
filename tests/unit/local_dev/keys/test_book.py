"""Keys as an operator makes and takes them, over a table and an edge in memory."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from local_dev.keys.book import KeyBook, KeyRefused
from serving_layer.auth.keys import KEPT_S, Caller, KeyCheck, hash_key
from shared.errors import StoreUnavailable

NOW, LATER = "2026-11-26T15:00:00+00:00", "2026-11-27T15:00:00+00:00"
LIVE = ["bars:read", "live:read"]


class Records:
    """The control table; notes each write."""

    def __init__(self, log: list[str]) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.log = log

    def key(self, key_id: str) -> dict[str, Any] | None:
        return self.rows.get(key_id)

    def put_key(self, key_id: str, record: dict[str, Any]) -> None:
        self.log.append("table")
        self.rows[key_id] = record

    def key_records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        return iter(self.rows.items())


class Edge:
    """What the edge knows; `down`: the call that fails."""

    def __init__(self, log: list[str]) -> None:
        self.keys: dict[str, str] = {}
        self.log, self.down = log, ""

    def known(self) -> dict[str, str]:
        self._fail_at("known")
        return dict(self.keys)

    def change(self, puts: Mapping[str, str], deletes: Sequence[str]) -> None:
        self._fail_at("change")
        self.log.append("edge")
        self.keys |= puts
        for digest in deletes:
            del self.keys[digest]

    def _fail_at(self, call: str) -> None:
        if self.down == call:
            raise StoreUnavailable("keys of the edge: away")


class Place:
    def __init__(self) -> None:
        self.log: list[str] = []
        self.records, self.edge = Records(self.log), Edge(self.log)
        self.book = KeyBook(self.records, self.edge)
        self.now_s = 0.0
        self.check = KeyCheck(self.records, lambda: self.now_s)


@pytest.fixture
def place() -> Place:
    return Place()


def test_a_key_opens_what_it_was_made_for_at_the_edge_and_behind_it(place: Place) -> None:
    entry, key = place.book.create("desk", LIVE, "live", NOW)
    assert place.check.caller(key) == Caller(entry.id, ("bars:read", "live:read"), "live")
    assert place.edge.keys == {hash_key(key): "live bars:read,live:read"}
    assert place.log == ["table", "edge"], "what the edge lets in, the API must know"
    assert key not in str(place.records.rows)
    (listed,) = place.book.entries()
    assert (listed.client, listed.plan, listed.created, listed.revoked) == ("desk", "live", NOW, "")


def test_a_client_has_two_live_keys_at_once_and_no_third(place: Place) -> None:
    first, old = place.book.create("desk", LIVE, "live", NOW)
    _, new = place.book.create("desk", LIVE, "live", LATER)
    assert place.check.caller(old)
    assert place.check.caller(new)
    with pytest.raises(KeyRefused, match=f"desk has 2 live keys, {first.id} and .*: revoke one first"):
        place.book.create("desk", LIVE, "live", LATER)
    place.book.create("other", LIVE, "live", LATER)
    place.book.revoke(first.id, LATER)
    place.book.create("desk", LIVE, "live", LATER)
    assert len(place.edge.keys) == 3


def test_a_revoked_key_is_refused_within_a_minute_and_at_the_edge_at_once(place: Place) -> None:
    entry, key = place.book.create("desk", LIVE, "live", NOW)
    assert place.check.caller(key)
    place.log.clear()
    assert place.book.revoke(entry.id, LATER).revoked == LATER
    assert place.edge.keys == {}
    assert place.log == ["table", "edge"]
    place.now_s += KEPT_S
    assert place.check.caller(key) is None
    assert KEPT_S <= 60
    assert [listed.revoked for listed in place.book.entries()] == [LATER], "the record stays, so that nobody wonders"


@pytest.mark.parametrize("fails", ["known", "change"])
def test_a_key_is_revoked_even_while_the_edge_is_away_and_a_repeat_tells_it(place: Place, fails: str) -> None:
    entry, key = place.book.create("desk", LIVE, "live", NOW)
    assert place.check.caller(key)
    place.edge.down = fails
    with pytest.raises(StoreUnavailable, match="keys of the edge: away"):
        place.book.revoke(entry.id, LATER)
    place.now_s += KEPT_S
    assert place.check.caller(key) is None, "it gets no new answer"
    assert place.edge.keys == {entry.hash: entry.opens}
    place.edge.down = ""
    assert place.book.revoke(entry.id, "2026-12-01T00:00:00+00:00").revoked == LATER
    assert place.edge.keys == {}
    assert place.log == ["table", "edge", "table", "edge"], "the record says when it was first revoked"


def test_an_unknown_id_an_unknown_scope_and_one_that_does_not_go_with_the_plan_are_refused(place: Place) -> None:
    with pytest.raises(KeyRefused, match="there is no key 0123456789ab"):
        place.book.revoke("0123456789ab", NOW)
    with pytest.raises(KeyRefused, match="bars:write"):
        place.book.create("desk", ["bars:write"], "live", NOW)
    with pytest.raises(KeyRefused, match="delayed plan cannot have live:read"):
        place.book.create("desk", LIVE, "delayed", NOW)
    assert place.log == []


def test_sync_makes_the_edge_know_the_live_keys_and_no_others(place: Place) -> None:
    kept, _ = place.book.create("desk", LIVE, "live", NOW)
    lost, _ = place.book.create("desk", ["bars:read"], "delayed", NOW)
    gone, _ = place.book.create("other", LIVE, "live", NOW)
    place.book.revoke(gone.id, LATER)
    place.edge.keys = {kept.hash: "live bars:read", gone.hash: gone.opens, "ab" * 32: "live bars:read"}
    assert place.book.sync() == (2, 2)
    assert place.edge.keys == {kept.hash: kept.opens, lost.hash: lost.opens}
    assert place.book.sync() == (0, 0)
    assert place.log[-1] == "edge"
