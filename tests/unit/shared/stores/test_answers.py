"""Kept answers against a real server: never older than they may be, and nothing but time when it fails."""

import time
from collections.abc import Iterator

import msgspec
import pytest

from shared.stores.answers import MOST_BYTES, OPEN_S, UNSETTLED_S, Answers, keep_s, keep_settled_s
from shared.stores.valkey import Valkey, connect
from tests.fakes.valkey import ValkeyServer


class Kept(msgspec.Struct, array_like=True):
    texts: list[str]
    position: int | None = None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    yield server
    server.kill()


@pytest.fixture
def answers(server: ValkeyServer) -> Answers:
    server.client.flushall()
    return Answers(Valkey(connect(server.endpoint), time.monotonic))


def test_an_answer_comes_back_for_the_same_request_and_for_no_other(answers: Answers) -> None:
    answers.put("/a?x=1", b"one", 60)
    assert answers.get("/a?x=1") == b"one"
    assert answers.get("/a?x=2") is None


def test_a_kept_answer_has_its_seconds_to_live_in_a_key_of_one_slot(server: ValkeyServer, answers: Answers) -> None:
    answers.put("/a", b"one", 60)
    ((key,), cursor) = server.client.scan(match="ans:*", count=1_000)[1], 0
    assert cursor == 0
    assert key.startswith(b"ans:{")
    assert 59_000 < server.client.pttl(key) <= 60_000


def test_an_answer_is_gone_when_its_time_is_over(server: ValkeyServer, answers: Answers) -> None:
    answers.put("/a", b"one", 1)
    (key,) = server.client.keys("ans:*")
    assert server.client.pexpire(key, 1)
    deadline = time.monotonic() + 5
    while answers.get("/a") is not None:
        assert time.monotonic() < deadline


def test_what_may_not_be_kept_or_is_too_large_is_not(server: ValkeyServer, answers: Answers) -> None:
    answers.put("/a", b"one", 0)
    answers.put("/b", b"x" * (MOST_BYTES + 1), 60)
    answers.put("/c", b"x" * MOST_BYTES, 60)
    assert len(server.client.keys("*")) == 1
    assert answers.get("/c") is not None


def test_a_remembered_answer_is_made_once_while_it_is_kept(answers: Answers) -> None:
    made: list[int] = []

    def make() -> Kept:
        made.append(1)
        return Kept(["a", "é"], len(made))

    for _ in range(3):
        assert answers.remembered("/a", Kept, make, lambda kept: 60)[0] == Kept(["a", "é"], 1)
    assert len(made) == 1
    assert answers.remembered("/b", Kept, make, lambda kept: 0)[0] == Kept(["a", "é"], 2)
    assert answers.remembered("/b", Kept, make, lambda kept: 0)[0] == Kept(["a", "é"], 3)


@pytest.mark.parametrize(("seconds", "first", "again"), [(0, 0, 0), (1, 1, 0), (60, 60, 0), (3_600, 60, 60)])
def test_others_may_keep_what_is_new_or_named_by_its_version(
    answers: Answers, seconds: int, first: int, again: int
) -> None:
    """Kept twice for a minute, an answer would be two minutes old."""
    given = [answers.remembered("/a", Kept, lambda: Kept(["a"]), lambda kept: seconds)[1] for _ in range(2)]
    assert given == [first, again]


@pytest.mark.parametrize("text", [b"", b"no msgpack \xc1", b"\x80", b"\x93\x01\x02\x03"])
def test_what_another_version_kept_and_this_one_cannot_read_is_made_again(answers: Answers, text: bytes) -> None:
    answers.put("/a", text, 60)
    assert answers.remembered("/a", Kept, lambda: Kept(["new"]), lambda kept: 60)[0] == Kept(["new"])
    assert answers.remembered("/a", Kept, lambda: Kept(["newer"]), lambda kept: 60)[0] == Kept(["new"])


def test_the_rule_is_a_second_from_what_is_open_on_and_a_minute_before_it() -> None:
    assert (OPEN_S, UNSETTLED_S) == (1, 60)
    assert keep_s(1_001, 1_000) == 1
    assert keep_s(1_000, 1_000) == 60
    assert keep_s(10, 1_000, replaying=True) == 0


def test_what_is_settled_is_kept_for_an_hour_and_what_is_old_for_a_day() -> None:
    assert [keep_settled_s(end, 1_000, 400) for end in (400, 401, 1_000, 1_001)] == [86_400, 3_600, 3_600, 0]
