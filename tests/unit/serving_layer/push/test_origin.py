"""A page of another site is told from one of ours."""

import pytest

from serving_layer.push.origin import same_host


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        (None, "ours.example", True),
        (None, "", True),
        ("https://OURS.example", "ours.example", True),
        ("https://ours.example", "OURS.example", True),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", True),
        ("https://ours.example:8443", "ours.example", False),
        ("https://ours.example.elsewhere.example", "ours.example", False),
        ("https://ours.example@elsewhere.example", "ours.example", False),
        ("https://ours.example", "", False),
        ("null", "", False),
        ("", "", False),
        ("http://[", "[", False),
    ],
)
def test_an_origin_is_ours_where_host_and_port_are_those_that_were_called(
    origin: str | None, host: str, same: bool
) -> None:
    assert same_host(origin, host) is same
