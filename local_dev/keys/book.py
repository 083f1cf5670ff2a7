"""The keys of one platform: where their records are, and what its edge must be told of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from serving_layer.auth.keys import mint, record_of
from shared.errors import PermanentError

MOST_LIVE = 2
"""Of a client, so that it can change its key without a gap."""


class KeyRefused(PermanentError):
    """A key that cannot be made or is not there; one sentence for the terminal."""


class Entry(NamedTuple):
    """`created` and `revoked`: RFC 3339, UTC; `revoked` empty while the key is live."""

    id: str
    client: str
    plan: str
    scopes: tuple[str, ...]
    created: str
    revoked: str
    hash: str

    @classmethod
    def of(cls, key_id: str, record: Mapping[str, Any]) -> "Entry":
        ended = str(record.get("revoked_at", "")) or ("before" if record.get("revoked") else "")
        return cls(
            key_id,
            str(record.get("client", "")),
            str(record.get("plan", "")),
            tuple(record.get("scopes", ())),
            str(record.get("created", "")),
            ended,
            str(record["hash"]),
        )

    @property
    def opens(self) -> str:
        """What the edge is told (serving_layer/edge/viewer_request.js)."""
        return f"{self.plan} {','.join(sorted(self.scopes))}"


class Records(Protocol):
    """Records by key id, as ControlStore keeps them; raises StoreUnavailable."""

    def key(self, key_id: str) -> dict[str, Any] | None: ...
    def put_key(self, key_id: str, record: dict[str, Any]) -> None: ...
    def key_records(self) -> Iterator[tuple[str, dict[str, Any]]]: ...


class Edge(Protocol):
    """What the edge knows: what a key opens, by the key's hash; raises StoreUnavailable."""

    def known(self) -> dict[str, str]: ...
    def change(self, puts: Mapping[str, str], deletes: Sequence[str]) -> None: ...


class KeyBook:
    """`edge` None: nothing in front of the API keeps keys."""

    def __init__(self, records: Records, edge: Edge | None) -> None:
        self._records, self._edge = records, edge

    def create(self, client: str, scopes: Sequence[str], plan: str, now: str) -> tuple[Entry, str]:
        """A new key and its text, which nobody can find out again. Raises KeyRefused."""
        live = [entry for entry in self.entries() if entry.client == client and not entry.revoked]
        if len(live) >= MOST_LIVE:
            raise KeyRefused(
                f"{client} has {len(live)} live keys, {' and '.join(entry.id for entry in live)}: revoke one first."
            )
        try:
            key_id, key = mint(scopes)
            record = {**record_of(key, scopes, plan), "client": client, "created": now}
        except ValueError as error:
            raise KeyRefused(f"{error}.") from error
        entry = Entry.of(key_id, record)
        self._records.put_key(key_id, record)
        if self._edge is not None:  # last: what the edge lets in, the API must know
            self._edge.change({entry.hash: entry.opens}, [])
        return entry, key

    def entries(self) -> list[Entry]:
        """Every key that ever was, the oldest first."""
        found = (Entry.of(key_id, record) for key_id, record in self._records.key_records())
        return sorted(found, key=lambda entry: (entry.created, entry.id))

    def revoke(self, key_id: str, now: str) -> Entry:
        """Raises KeyRefused for an id nobody has. One that is revoked already may be revoked again: what did not come
        to its end is then done. Where the edge cannot be told (StoreUnavailable) the key gets no answer of the API any
        more, but still what the edge keeps for others."""
        record = self._records.key(key_id)
        if record is None:
            raise KeyRefused(f"there is no key {key_id}: condvest keys list shows which there are.")
        if not record.get("revoked"):  # first: it holds whatever becomes of the edge
            record = {**record, "revoked": True, "revoked_at": now}
            self._records.put_key(key_id, record)
        if self._edge is not None and record["hash"] in self._edge.known():
            self._edge.change({}, [record["hash"]])
        return Entry.of(key_id, record)

    def sync(self) -> tuple[int, int]:
        """Make the edge know the live keys and no others; how many it was told and how many it forgot."""
        if self._edge is None:
            return 0, 0
        wanted = {entry.hash: entry.opens for entry in self.entries() if not entry.revoked}
        known = self._edge.known()
        puts = {digest: opens for digest, opens in wanted.items() if known.get(digest) != opens}
        deletes = sorted(known.keys() - wanted.keys())
        if puts or deletes:
            self._edge.change(puts, deletes)
        return len(puts), len(deletes)
