"""CloudFront's key-value store as it answers: by pages, by versions, sometimes not at all."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from local_dev.keys.edge_store import MOST_AT_ONCE, TRIES, EdgeStore
from shared.errors import StoreUnavailable


def failure(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "UpdateKeys")


class Service:
    """cloudfront-keyvaluestore: a change must name the store's version. `conflicts`: changes that others make first."""

    def __init__(self, conflicts: int = 0) -> None:
        self.items: dict[str, str] = {}
        self.version, self.conflicts = 0, conflicts
        self.changes: list[int] = []

    def describe_key_value_store(self, **request: Any) -> dict[str, Any]:
        return {"ETag": str(self.version)}

    def list_keys(self, NextToken: str = "0", **request: Any) -> dict[str, Any]:  # noqa: N803  (AWS's names)
        first = int(NextToken)
        some = sorted(self.items.items())[first : first + 40]
        following = {"NextToken": str(first + 40)} if first + 40 < len(self.items) else {}
        return {"Items": [{"Key": key, "Value": value} for key, value in some], **following}

    def update_keys(self, IfMatch: str, **request: Any) -> None:  # noqa: N803
        if self.conflicts:
            self.conflicts -= 1
            self.version += 1
        if str(self.version) != IfMatch:
            raise failure("ConflictException")
        self.version += 1
        puts, deletes = request.get("Puts", []), request.get("Deletes", [])
        self.changes.append(len(puts) + len(deletes))
        self.items |= {item["Key"]: item["Value"] for item in puts}
        for item in deletes:
            del self.items[item["Key"]]


def test_every_page_is_read_and_changes_go_in_slices() -> None:
    service = Service()
    store = EdgeStore(service, "arn")
    wanted = {f"{number:03d}": "live bars:read" for number in range(120)}
    store.change(wanted, [])
    assert store.known() == wanted
    assert service.changes == [MOST_AT_ONCE, MOST_AT_ONCE, 20]
    store.change({"new": "x"}, ["000", "119"])
    assert store.known() == {**{key: wanted[key] for key in wanted if key not in {"000", "119"}}, "new": "x"}


def test_a_change_that_came_second_is_made_on_the_version_after_it() -> None:
    service = Service(conflicts=TRIES - 1)
    EdgeStore(service, "arn").change({"a": "x"}, [])
    assert service.items == {"a": "x"}
    assert service.conflicts == 0


def test_whoever_is_always_second_gives_up() -> None:
    with pytest.raises(StoreUnavailable):
        EdgeStore(Service(conflicts=TRIES), "arn").change({"a": "x"}, [])


@pytest.mark.parametrize("error", [failure("AccessDeniedException"), EndpointConnectionError(endpoint_url="x")])
@pytest.mark.parametrize("call", ["describe_key_value_store", "update_keys", "list_keys"])
def test_a_store_that_refuses_or_is_away_is_said_to_be(
    call: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Service, **request: Any) -> None:
        raise error

    monkeypatch.setattr(Service, call, fail)
    store = EdgeStore(Service(), "arn")
    with pytest.raises(StoreUnavailable, match="keys of the edge"):  # noqa: PT012 - one call or the other
        if call == "list_keys":
            store.known()
        else:
            store.change({"a": "x"}, [])
