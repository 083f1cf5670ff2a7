"""Two writers of one date, their requests to S3 in any order: one wins, and no reader ever sees a mixture."""

import io
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from batch_layer.lake.daily import DailyLake
from batch_layer.lake.date_files import Written, WrittenByAnother
from batch_layer.lake.manifest import BrokenFile
from shared.models.daily import DailyBar

DAY = date(2024, 3, 4)
KNOWN = datetime(2024, 3, 5, tzinfo=UTC)
SETS = {
    name: [DailyBar(name, DAY, price, price, price, price, 1)] for price, name in enumerate(("old", "new", "base"), 1)
}
PATIENCE_S = 60


class Bucket:
    """What S3 does with conditions on a put; `turn` is called before each request."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, str, dict[str, str]]] = {}
        self._versions = 0

    def client(self, turn: Callable[[], None]) -> Any:
        return Client(self, turn)

    def put(self, key: str, data: bytes, metadata: dict[str, str], condition: tuple[str | None, str | None]) -> None:
        none_match, match = condition
        there = self.objects.get(key)
        if (none_match and there) or (match and there and there[1] != match):
            raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "PutObject")
        if match and not there:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "PutObject")
        self._versions += 1
        self.objects[key] = (data, f"v{self._versions}", metadata)


class Client:
    def __init__(self, bucket: Bucket, turn: Callable[[], None]) -> None:
        self._bucket, self._turn = bucket, turn

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 -- boto3's names
        self._turn()
        if Key not in self._bucket.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        data, tag, metadata = self._bucket.objects[Key]
        return {"Body": io.BytesIO(data), "ETag": tag, "Metadata": metadata}

    def put_object(
        self,
        *,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        Body: bytes,  # noqa: N803
        Metadata: dict[str, str] | None = None,  # noqa: N803
        IfNoneMatch: str | None = None,  # noqa: N803
        IfMatch: str | None = None,  # noqa: N803
    ) -> None:
        self._turn()
        self._bucket.put(Key, Body, Metadata or {}, (IfNoneMatch, IfMatch))

    def delete_object(self, Bucket: str, Key: str) -> None:  # noqa: N803
        self._turn()
        self._bucket.objects.pop(Key, None)


class Turns:
    """Lets one of several threads go on to its next request at a time."""

    def __init__(self) -> None:
        self._waiting: dict[str, threading.Semaphore] = {}
        self._arrived: dict[str, threading.Semaphore] = {}
        self._threads: dict[str, threading.Thread] = {}
        self.done: set[str] = set()

    def start(self, name: str, work: Callable[[], None]) -> None:
        self._waiting[name], self._arrived[name] = threading.Semaphore(0), threading.Semaphore(0)

        def run() -> None:
            try:
                work()
            finally:
                self.done.add(name)
                self._arrived[name].release()

        self._threads[name] = threading.Thread(target=run, daemon=True)
        self._threads[name].start()
        assert self._arrived[name].acquire(timeout=PATIENCE_S)

    def wait(self, name: str) -> None:
        """Called by the thread before a request."""
        self._arrived[name].release()
        assert self._waiting[name].acquire(timeout=PATIENCE_S)

    def step(self, name: str) -> None:
        """One request of a thread that is not done."""
        self._waiting[name].release()
        assert self._arrived[name].acquire(timeout=PATIENCE_S)


@given(st.sampled_from(["old", "new"]), st.lists(st.integers(1, 8), max_size=5), st.booleans())
def test_two_writers_in_any_order_of_requests(first: str, runs: list[int], there: bool) -> None:
    """They take turns, for as many requests as `runs` says, until both are done."""
    bucket, turns = Bucket(), Turns()
    reader = DailyLake(bucket.client(lambda: None), "lake", "0.1.0")
    if there:
        reader.write(DAY, SETS["base"], source="base", known_at=KNOWN - timedelta(hours=1))
    ended: dict[str, Written | WrittenByAnother] = {}

    def writer(name: str) -> None:
        lake = DailyLake(bucket.client(lambda: turns.wait(name)), "lake", "0.1.0")
        try:
            ended[name] = lake.write(DAY, SETS[name], source=name, known_at=KNOWN + timedelta(hours=name == "new"))
        except WrittenByAnother as error:
            ended[name] = error

    for name in ("old", "new"):
        turns.start(name, lambda name=name: writer(name))  # type: ignore[misc]
    other = "new" if first == "old" else "old"
    order = [name for number, run in enumerate(runs) for name in [other if number % 2 else first] * run]
    for name in [*order, *[first] * 30, *[other] * 30]:
        if name not in turns.done:
            turns.step(name)
            assert seen_by(reader) in ("nothing", "refused", *SETS)
    assert set(ended) == {"old", "new"}
    last = seen_by(reader)
    won = {name for name, result in ended.items() if isinstance(result, Written) and result.changed}
    assert last in won
    assert last == "new" or "new" not in won


def seen_by(reader: DailyLake) -> str:
    """Whose bars, under whose manifest."""
    try:
        bars, manifest = reader.bars(DAY), reader.manifest(DAY)
    except BrokenFile:
        return "refused"
    if bars is None or manifest is None:
        return "nothing"
    assert bars == SETS[manifest.source]
    return manifest.source
