"""One ingester at a time: a lease in the control table whose deadline bounds every put."""

import asyncio
import time

from shared.errors import LeaseLost, StoreUnavailable
from shared.observability import event, logger
from shared.stores.control import ControlStore

RENEWALS = 3
"""Renewals in the life of a lease."""

log = logger("ingest.lease")


class Lease:
    """Held from `take` to `release`. Its deadline is judged on the monotonic clock, from before each renewal."""

    def __init__(self, control: ControlStore, owner: str, seconds: float) -> None:
        self._control, self._owner, self._seconds = control, owner, seconds
        self._deadline = 0.0
        self.epoch = 0

    async def take(self) -> int:
        """Wait until the lease is ours; the new epoch."""
        while True:
            asked = time.monotonic()
            try:
                epoch = await asyncio.to_thread(
                    self._control.take_lease, self._owner, time.time(), time.time() + self._seconds
                )
            except StoreUnavailable as error:
                event(log, 30, "lease not reached, trying again", error=str(error))
                epoch = None
            if epoch is not None:
                self.epoch, self._deadline = epoch, asked + self._seconds
                return epoch
            await asyncio.sleep(min(1.0, self._seconds / (2 * RENEWALS)))

    def check(self, seconds: float) -> None:
        """Raises LeaseLost unless the lease holds for `seconds` more."""
        if time.monotonic() + seconds > self._deadline:
            raise LeaseLost(f"the lease of epoch {self.epoch} ends before a put may")

    async def keep(self) -> None:
        """Renew for ever. Raises LeaseLost when another took it, or it could not be renewed in time."""
        while True:
            await asyncio.sleep(self._seconds / RENEWALS / 2)
            asked = time.monotonic()
            try:
                ours = await asyncio.to_thread(
                    self._control.extend_lease, self._owner, self.epoch, time.time() + self._seconds
                )
            except StoreUnavailable as error:
                event(log, 30, "lease not renewed", error=str(error))
                self.check(0)
                continue
            if not ours:
                raise LeaseLost(f"epoch {self.epoch} was followed by another")
            self._deadline = asked + self._seconds

    async def release(self) -> None:
        """Give the lease back, so that a successor need not wait. No put starts after this."""
        self._deadline = 0.0
        try:
            await asyncio.to_thread(self._control.extend_lease, self._owner, self.epoch, 0.0)
        except StoreUnavailable as error:
            event(log, 30, "lease not given back; it ends by itself", error=str(error))
