"""What goes into a function and what comes out, in Lambda's own terms."""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PAYLOAD_LIMIT_BYTES = 6 * 1024 * 1024
"""Synchronous invocation, request and response alike (Lambda quotas)."""

_NAME = re.compile(r"[A-Za-z0-9-_]{1,64}")


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """One function as its template describes it.

    `handler` is `package.module.function` or `package/module.function`, `timeout_seconds` runs from the moment the
    event is handed over (a cold start is not part of it), `memory_mb` is told to the function, not enforced,
    `workers` is how many events may be in progress at once.
    """

    name: str
    handler: str
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float = 3.0
    memory_mb: int = 128
    workers: int = 1
    arn: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"a function name is 1 to 64 letters, digits, - or _, was {self.name!r}")
        if "." not in self.handler:
            raise ValueError(f"handler of {self.name} must be module.function, was {self.handler!r}")
        if self.timeout_seconds <= 0:
            raise ValueError(f"timeout of {self.name} must be positive seconds, was {self.timeout_seconds}")
        if self.workers < 1:
            raise ValueError(f"workers of {self.name} must be at least 1, was {self.workers}")

    @property
    def function_arn(self) -> str:
        return self.arn or f"arn:aws:lambda:us-east-1:000000000000:function:{self.name}"

    @classmethod
    def from_configuration(
        cls, configuration: Mapping[str, Any], *, environment: Mapping[str, str] | None = None, workers: int = 1
    ) -> "FunctionSpec":
        """From an answer of `GetFunctionConfiguration` or an item of `ListFunctions`; `environment` wins over it."""
        variables = configuration.get("Environment", {}).get("Variables", {})
        return cls(
            name=configuration["FunctionName"],
            handler=configuration["Handler"],
            environment={**variables, **(environment or {})},
            timeout_seconds=float(configuration.get("Timeout") or 3),
            memory_mb=int(configuration.get("MemorySize") or 128),
            workers=workers,
            arn=configuration.get("FunctionArn", ""),
        )


@dataclass(frozen=True, slots=True)
class InvocationError:
    """`type`: the exception's name, or Lambda's (Sandbox.Timedout, Runtime.ExitError, Runtime.ImportModuleError)."""

    type: str
    message: str
    stack_trace: tuple[str, ...] = ()

    def document(self, request_id: str) -> bytes:
        """The payload Lambda answers with when a function failed."""
        body = {"errorMessage": self.message, "errorType": self.type, "requestId": request_id}
        return json.dumps(body | ({"stackTrace": list(self.stack_trace)} if self.stack_trace else {})).encode()

    @classmethod
    def from_document(cls, body: bytes) -> "InvocationError":
        """From what a runtime posts to `/error`; a body that is not such a document is kept as the message."""
        try:
            document = json.loads(body)
        except ValueError:
            return cls("Runtime.Unknown", body[:4096].decode(errors="replace"))
        if not isinstance(document, dict):
            return cls("Runtime.Unknown", str(document)[:4096])
        trace = document.get("stackTrace") or ()
        return cls(
            str(document.get("errorType") or "Runtime.Unknown"),
            str(document.get("errorMessage") or ""),
            tuple(map(str, trace)),
        )


@dataclass(frozen=True, slots=True)
class InvocationResult:
    """`payload` is the handler's answer as JSON, or the error document.

    `reached` is False when the event was never handed to the function (every worker busy, or the pool stopping):
    Lambda calls that a throttle, and it is no failed attempt of the function.
    """

    request_id: str
    payload: bytes
    error: InvocationError | None = None
    reached: bool = True

    @property
    def ok(self) -> bool:
        return self.error is None

    def json(self) -> Any:
        """Raises ValueError when the function answered bytes that are not JSON."""
        return json.loads(self.payload)


def failed(error: InvocationError, request_id: str | None = None, *, reached: bool = True) -> InvocationResult:
    request_id = request_id or str(uuid.uuid4())
    return InvocationResult(request_id, error.document(request_id), error, reached)
