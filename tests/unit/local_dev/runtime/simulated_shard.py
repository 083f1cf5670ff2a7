"""A shard, a function and a clock in memory: runs the rules of one mapping and writes down what they did."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

from local_dev.runtime.batch_response import handled_of
from local_dev.runtime.invocation import InvocationError, InvocationResult, failed
from local_dev.runtime.mapping_rules import Backoff, Condition, Discard, Invoke, Read, ShardRules, Wait
from local_dev.runtime.mapping_settings import MappingSettings
from local_dev.runtime.stream_record import StreamRecord


def settings(**options: object) -> MappingSettings:
    base: dict[str, object] = {
        "uuid": "a1b2",
        "stream_arn": "arn:aws:kinesis:us-east-1:000000000000:stream/trades",
        "function_arn": "arn:aws:lambda:us-east-1:000000000000:function:live",
        "report_item_failures": True,
    }
    return MappingSettings(**base | options)  # type: ignore[arg-type]  # the options differ in type


def record(number: int, *, arrival: float = 0.0, size: int = 10) -> StreamRecord:
    """Sequence number `number`, `size` bytes in the encoded event."""
    return StreamRecord(f"{number:020d}", arrival, _filler(size))


@cache
def _filler(size: int) -> bytes:
    return b"x" * size


def numbers(records: Sequence[StreamRecord]) -> list[int]:
    return [int(item.sequence) for item in records]


def success(payload: bytes = b'{"batchItemFailures": []}') -> InvocationResult:
    return InvocationResult("request", payload)


def report(*identifiers: int) -> InvocationResult:
    items = ",".join(f'{{"itemIdentifier": "{number:020d}"}}' for number in identifiers)
    return success(f'{{"batchItemFailures": [{items}]}}'.encode())


def error(kind: str = "ValueError") -> InvocationResult:
    return failed(InvocationError(kind, "it failed"), "request")


def throttle() -> InvocationResult:
    return failed(InvocationError("TooManyRequestsException", "Rate Exceeded."), "request", reached=False)


@dataclass
class SimulatedShard:
    """`answer` gets the numbers of a batch. `take` seconds pass in each invocation."""

    mapping: MappingSettings
    answer: Callable[[list[int]], InvocationResult] = lambda batch: success()
    now: float = 1000.0
    take: float = 0.0
    poll_seconds: float = 1.0
    backoff: Backoff = field(default_factory=lambda: Backoff(first=1.0, factor=2.0, most=8.0))
    stream: list[StreamRecord] = field(default_factory=list)
    invocations: list[tuple[float, list[int]]] = field(default_factory=list)
    discards: list[tuple[list[int], Condition]] = field(default_factory=list)
    given_up: list[Discard] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    read_to: int = 0
    rules: ShardRules = field(init=False)

    def __post_init__(self) -> None:
        self.rules = ShardRules(self.mapping, poll_seconds=self.poll_seconds, backoff=self.backoff)

    @property
    def batches(self) -> list[list[int]]:
        return [batch for _, batch in self.invocations]

    def put(self, *numbers: int, size: int = 10, arrival: float | None = None) -> None:
        at = self.now if arrival is None else arrival
        self.stream += [record(number, arrival=at, size=size) for number in numbers]

    def run(self, seconds: float = 10_000.0) -> None:
        """Until everything put so far is handled or given up, or that much simulated time is over."""
        began = self.now
        while self.now < began + seconds and not (self.rules.empty and self.rules.tip_at >= began):
            self.step()

    def run_for(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.step(at_most=end - self.now)

    def step(self, at_most: float = float("inf")) -> None:
        match self.rules.step(self.now):
            case Read(limit):
                records = self.stream[self.read_to : self.read_to + limit]
                self.read_to += len(records)
                behind = self.read_to < len(self.stream)
                self.rules.on_read(records, began=self.now, now=self.now, behind=behind)
            case Invoke(batch):
                self._invoke(batch.records, self.answer(numbers(batch.records)))
            case Discard() as discard:
                self.discards.append((numbers(discard.batch.records), discard.condition))
                self.given_up.append(discard)
                self.done += numbers(discard.batch.records)
                self.rules.on_discarded(discard)
            case Wait(seconds):
                self.waits.append(seconds)
                self.now += min(seconds, at_most) + 1e-6

    def _invoke(self, records: Sequence[StreamRecord], result: InvocationResult) -> None:
        if result.reached:
            self.invocations.append((self.now, numbers(records)))
        self.now += self.take
        handled = handled_of(result, records, report_item_failures=self.mapping.report_item_failures)
        if result.reached:
            self.done += numbers(records[:handled])
        self.rules.on_result(result, handled, self.now)
