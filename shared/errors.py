"""The error tree: what can succeed later is retryable, what never can is permanent.

Handlers report retryable failures so that the stream delivers again; permanent input goes to quarantine
with its bytes and its reason, and the batch goes on (docs/architecture.md).
"""


class CondvestError(Exception):
    """Root of every error this project raises on purpose."""


class RetryableError(CondvestError):
    """The same call may succeed later."""


class SourceUnavailable(RetryableError):
    """The vendor or another dependency did not answer, or answered with an error of its own."""


class StoreUnavailable(RetryableError):
    """A table, stream, bucket or cache did not take or give what it should within its time budget."""


class PermanentError(CondvestError):
    """No retry can help."""


class LeaseLost(PermanentError):
    """Another holds the lease (an ingester, or a run of a trade date): this one must stop and write nothing more."""


class AccessRefused(PermanentError):
    """The vendor refused the key or what it asked for; the message names what is missing."""


class InvalidRecord(PermanentError):
    """Input that breaks a rule. `reason` is a short fixed word for counting, the message is for people."""

    def __init__(self, reason: str, message: str = "") -> None:
        super().__init__(message or reason)
        self.reason = reason
