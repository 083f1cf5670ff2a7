"""One unit fetched, whatever its kind: what `run` is given."""

from datetime import datetime
from typing import Protocol

from batch_layer.fetch.days import Completeness, fetch_grouped, fetch_range
from batch_layer.fetch.reference import fetch_dividends, fetch_splits, fetch_ticker, fetch_tickers
from batch_layer.fetch.rest import VendorRest
from batch_layer.fetch.units import Fetched, Unit
from shared.bars.sessions import SessionTable
from shared.errors import PermanentError


class FlatSource(Protocol):
    """The vendor's flat files, see `flat_files.FlatFiles`."""

    def fetch(self, unit: Unit, complete: Completeness) -> Fetched: ...


class Fetcher:
    """`known_at`: when the splits and dividends were learnt. `flat` may be None where no unit is of that kind."""

    def __init__(
        self,
        rest: VendorRest,
        sessions: SessionTable,
        complete: Completeness,
        known_at: datetime,
        flat: FlatSource | None = None,
    ) -> None:
        self._rest, self._sessions, self._complete = rest, sessions, complete
        self._known_at, self._flat = known_at, flat

    def __call__(self, unit: Unit) -> Fetched:
        """Raises SourceUnavailable, ShortAnswer, AccessRefused or InvalidRecord."""
        match unit.kind:
            case "range":
                fetched = fetch_range(self._rest, unit, self._sessions, self._complete)
            case "grouped":
                fetched = fetch_grouped(self._rest, unit, self._sessions, self._complete)
            case "flat":
                if self._flat is None:
                    raise PermanentError("flat files need their own access key")
                fetched = self._flat.fetch(unit, self._complete)
            case "splits":
                fetched = fetch_splits(self._rest, unit, self._known_at)
            case "dividends":
                fetched = fetch_dividends(self._rest, unit, self._known_at)
            case "tickers" | "delisted":
                fetched = fetch_tickers(self._rest, unit)
            case "ticker":
                fetched = fetch_ticker(self._rest, unit)
        return fetched
