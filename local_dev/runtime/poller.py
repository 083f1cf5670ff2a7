"""Runs an event source mapping: shards of a stream -> one function, by Lambda's rules (`mapping_rules`), a thread each.

At least once, in order within a shard. A function that fails, times out or is killed is asked again by the mapping's
retry rules; what is given up goes to the on-failure destination.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from local_dev.runtime.batch_response import handled_of
from local_dev.runtime.destinations import Clients, Deliver, destination
from local_dev.runtime.invocation import InvocationResult
from local_dev.runtime.mapping_rules import Backoff, Counts, Discard, Invoke, Read, ShardRules, Wait
from local_dev.runtime.mapping_settings import MappingSettings
from local_dev.runtime.shard_reader import ReadFailed, ShardReader
from local_dev.runtime.streams import Stream, stream_of

log = logging.getLogger(__name__)

LocalInvoke = Callable[[bytes], InvocationResult]
_WALL_AT_ZERO = time.time() - time.monotonic()


def clock() -> float:
    """Unix seconds that never step back, so that a corrected host clock cannot stall a poller."""
    return _WALL_AT_ZERO + time.monotonic()


class Checkpoints(Protocol):
    """Keeps checkpoints beyond this process; keyed by mapping UUID and shard, valued by sequence number."""

    def load(self, mapping: str, shard: str) -> str | None: ...
    def save(self, mapping: str, shard: str, sequence: str) -> None: ...


class NoCheckpoints:
    """The default: a stream that does not outlive the emulator is read from its start again."""

    def load(self, mapping: str, shard: str) -> str | None:
        return None

    def save(self, mapping: str, shard: str, sequence: str) -> None:
        return None


class ShardPoller:
    """One shard's thread. The lock covers the rules, never a call to anything outside."""

    def __init__(
        self,
        settings: MappingSettings,
        shard: str,
        *,
        rules: ShardRules,
        reader: ShardReader,
        invoke: LocalInvoke,
        deliver: Deliver | None,
        save: Callable[[str], None],
    ) -> None:
        self.shard = shard
        self.failure: Exception | None = None
        self._settings, self._rules, self._reader = settings, rules, reader
        self._invoke, self._deliver, self._save = invoke, deliver, save
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"poll-{settings.uuid[:8]}-{shard[-4:]}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask_to_stop(self) -> None:
        self._stop.set()

    def join(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def checkpoint(self) -> str | None:
        with self._lock:
            return self._rules.checkpoint

    @property
    def counts(self) -> Counts:
        with self._lock:
            return Counts(**{field.name: getattr(self._rules.counts, field.name) for field in fields(Counts)})

    def handled_through(self, moment: float) -> bool:
        with self._lock:
            return self._rules.empty and self._rules.tip_at >= moment

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._once()
        except Exception as error:  # nobody awaits a thread: kept for `failure`, which supervisors read
            self.failure = error
            log.exception("%s of mapping %s is no longer polled", self.shard, self._settings.uuid)

    def _once(self) -> None:
        with self._lock:
            action = self._rules.step(clock())
        match action:
            case Read(limit):
                self._read(limit)
            case Invoke(batch):
                result = self._invoke(batch.event())
                handled = handled_of(result, batch.records, report_item_failures=self._settings.report_item_failures)
                self._report(lambda: self._rules.on_result(result, handled, clock()))
            case Discard():
                self._give_up(action)
            case Wait(seconds):
                self._stop.wait(seconds)

    def _read(self, limit: int) -> None:
        began = clock()
        try:
            chunk = self._reader.read(limit)
        except ReadFailed as error:
            log.warning("cannot read the stream, trying again: %s", error)
            with self._lock:
                self._rules.on_read_failed(clock())
            return
        looked = began + chunk.held_s
        with self._lock:
            self._rules.on_read(chunk.records, began=looked, now=clock(), behind=chunk.behind)
            if chunk.closed:
                self._rules.on_closed()

    def _give_up(self, discard: Discard) -> None:
        """As Lambda does, go on also when the destination cannot be reached; that is counted and logged."""
        count, why = len(discard.batch.records), discard.condition
        log.error("%s of mapping %s: %d records given up (%s)", self.shard, self._settings.uuid, count, why)
        if self._deliver is not None:
            try:
                self._deliver(self.shard, discard, clock())
            except (ClientError, BotoCoreError):
                log.exception("on-failure destination %s could not be reached", self._settings.on_failure_arn)
                with self._lock:
                    self._rules.counts.undelivered += count
        self._report(lambda: self._rules.on_discarded(discard))

    def _report(self, tell: Callable[[], None]) -> None:
        with self._lock:
            before = self._rules.checkpoint
            tell()
            after = self._rules.checkpoint
        if after is not None and after != before:
            self._save(after)


class Poller:
    """One mapping. `client` gives a boto3 client, with time budgets, for a service name.

    `poll_seconds` is the pause after a read that found the shard's end: Lambda's base rate is one second, a local
    platform that promises quick bars reads more often. Shards are those the stream has when it starts.
    """

    def __init__(
        self,
        mapping: Mapping[str, Any] | MappingSettings,
        invoke: LocalInvoke,
        client: Clients,
        *,
        poll_seconds: float = 0.1,
        backoff: Backoff | None = None,
        checkpoints: Checkpoints | None = None,
        role_arn: str = "arn:aws:iam::000000000000:role/local",
    ) -> None:
        settings = mapping if isinstance(mapping, MappingSettings) else MappingSettings.from_listing(mapping)
        self.settings = settings
        self._invoke, self._client, self._role_arn = invoke, client, role_arn
        self._poll_seconds, self._backoff = poll_seconds, backoff or Backoff()
        self._checkpoints = checkpoints or NoCheckpoints()
        self._deliver = destination(settings, client)
        self._shards: dict[str, ShardPoller] = {}

    def start(self) -> None:
        """Raises what boto3 raises when the stream cannot be listed."""
        stream = stream_of(self._client, self.settings, self._role_arn)
        for shard in stream.shards():
            self._shards[shard] = self._shard_poller(stream, shard)
        for poller in self._shards.values():
            poller.start()

    def stop(self, seconds: float = 30.0) -> bool:
        """Finish the batches in progress and end. False when one did not within `seconds`."""
        for poller in self._shards.values():
            poller.ask_to_stop()
        deadline = time.monotonic() + seconds
        ended = [poller.join(max(deadline - time.monotonic(), 0.0)) for poller in self._shards.values()]
        return all(ended)

    def checkpoint(self, shard: str) -> str | None:
        """The last sequence number handled or given up; None before the first. Raises KeyError."""
        return self._shards[shard].checkpoint

    def caught_up(self, tip: Mapping[str, str]) -> bool:
        """Whether every record up to these sequence numbers, by shard, has been handled or given up."""
        return all(int(self.checkpoint(shard) or -1) >= int(sequence) for shard, sequence in tip.items())

    def drained(self, moment: float) -> bool:
        """Whether every record put before `moment` (of `clock()`) has been handled or given up."""
        return all(poller.handled_through(moment) for poller in self._shards.values())

    def wait_drained(self, seconds: float) -> bool:
        """Whether, within `seconds`, everything put before this call was handled or given up."""
        moment, deadline = clock(), time.monotonic() + seconds
        while not self.drained(moment):
            if time.monotonic() > deadline or self.failure is not None:
                return False
            time.sleep(0.02)
        return True

    @property
    def idle(self) -> bool:
        """Nothing in hand, and the latest look (within a few polls) found the end of every shard."""
        return self.drained(clock() - 3 * self._poll_seconds - 1.0)

    @property
    def counts(self) -> Counts:
        total = Counts()
        for poller in self._shards.values():
            for field in fields(Counts):
                setattr(total, field.name, getattr(total, field.name) + getattr(poller.counts, field.name))
        return total

    @property
    def failure(self) -> Exception | None:
        """What ended a shard's thread; anything but None is a defect."""
        return next((poller.failure for poller in self._shards.values() if poller.failure), None)

    def _shard_poller(self, stream: Stream, shard: str) -> ShardPoller:
        settings, uuid = self.settings, self.settings.uuid
        checkpoint = self._checkpoints.load(uuid, shard)
        return ShardPoller(
            settings,
            shard,
            rules=ShardRules(settings, poll_seconds=self._poll_seconds, backoff=self._backoff, checkpoint=checkpoint),
            reader=ShardReader(stream, shard, checkpoint, clock()),
            invoke=self._invoke,
            deliver=self._deliver,
            save=lambda sequence: self._checkpoints.save(uuid, shard, sequence),
        )
