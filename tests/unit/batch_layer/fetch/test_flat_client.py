"""The flat files' endpoint over HTTP."""

from datetime import date

import pytest

from batch_layer.fetch.flat_files import BUCKET, FlatFiles, flat_client, key_of
from batch_layer.fetch.units import Unit
from shared.errors import AccessRefused, SourceUnavailable
from tests.unit.batch_layer.fetch.support import complete
from tests.unit.shared.clients.vendor import Answer, vendor

DAY = date(2020, 1, 3)
UNIT = Unit("flat", start=DAY, end=DAY)


def test_the_endpoint_is_the_one_that_was_named_and_a_refusal_names_no_key() -> None:
    with vendor() as server:
        server.answers = [Answer(403, b"<Error><Code>SignatureDoesNotMatch</Code><Message>secret9</Message></Error>")]
        files = FlatFiles(flat_client(server.url, "access9", "secret9"))
        with pytest.raises(AccessRefused, match="check its key") as caught:
            files.fetch(UNIT, complete())
    assert [path for path, _ in server.requests] == [f"/{BUCKET}/{key_of(DAY)}"]
    assert "access9" not in str(caught.value)
    assert "secret9" not in str(caught.value)


def test_a_closed_endpoint_is_the_sources_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(SourceUnavailable, match="EndpointConnectionError"):
        FlatFiles(flat_client("http://127.0.0.1:1", "a", "b")).fetch(UNIT, complete())
