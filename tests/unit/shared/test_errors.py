"""The error tree decides what a stream may deliver again."""

import inspect

import pytest

from shared import errors
from shared.errors import CondvestError, InvalidRecord, PermanentError, RetryableError

TREE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]
LEAVES = [kind for kind in TREE if kind not in (CondvestError, PermanentError, RetryableError)]


@pytest.mark.parametrize("kind", LEAVES)
def test_every_error_is_either_retryable_or_permanent(kind: type[Exception]) -> None:
    assert issubclass(kind, CondvestError)
    assert issubclass(kind, RetryableError) != issubclass(kind, PermanentError)


def test_unavailable_things_may_be_tried_again_and_refusals_may_not() -> None:
    assert {kind.__name__ for kind in LEAVES if issubclass(kind, RetryableError)} == {
        "SourceUnavailable",
        "StoreUnavailable",
    }
    assert {kind.__name__ for kind in LEAVES if issubclass(kind, PermanentError)} == {
        "AccessRefused",
        "InvalidRecord",
        "LeaseLost",
    }


def test_an_invalid_record_has_a_reason_to_count_and_a_message_to_read() -> None:
    error = InvalidRecord("price", "must be positive, was -1")
    assert error.reason == "price"
    assert str(error) == "must be positive, was -1"


def test_a_reason_stands_for_the_message_where_there_is_none() -> None:
    assert str(InvalidRecord("no_session")) == "no_session"


def test_every_error_says_in_its_docstring_what_it_means() -> None:
    assert all(kind.__doc__ for kind in TREE)
