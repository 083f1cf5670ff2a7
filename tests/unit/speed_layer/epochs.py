"""The control table in memory, as far as an ingester writes it."""

from typing import Any, cast

from shared.errors import StoreUnavailable
from shared.stores.control import ControlStore


class Epochs:
    """`down`: it does not answer. `refused`: puts that it has not taken."""

    def __init__(self) -> None:
        self.down = False
        self.refused = 0
        self._held: dict[int, dict[str, Any]] = {}

    @property
    def table(self) -> ControlStore:
        return cast(ControlStore, self)

    def put_epoch(self, epoch: int, counts: dict[str, Any]) -> None:
        if self.down:
            self.refused += 1
            raise StoreUnavailable("control table")
        self._held[epoch] = counts | {"holes": list(counts["holes"])}

    def epochs(self) -> list[dict[str, Any]]:
        """Oldest first."""
        return [counts for _, counts in sorted(self._held.items())]

    def symbols(self) -> list[str]:
        return []

    def put_symbols(self, symbols: list[str]) -> None:
        if self.down:
            raise StoreUnavailable("control table")
