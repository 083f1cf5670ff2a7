"""REST answers that go wrong on request; `faults.py` names the kinds."""

import asyncio
import json
import math
import socket
import struct

import msgspec
from aiohttp import web

from local_dev.vendor.answers import error_body
from local_dev.vendor.faults import RestFault

RATE_TEXT = "You've exceeded the maximum requests per minute, please wait or upgrade your subscription to continue."
ELSEWHERE = "http://elsewhere.invalid"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_COUNTS = ("count", "queryCount", "resultsCount")
_LISTS = ("results", "tickers")
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def reply(status: int, body: bytes, request_id: str, **headers: str) -> web.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.Response(
        status=status, body=body, content_type="application/json", headers={"X-Request-Id": request_id, **names}
    )


def refusal(status: int, name: str, request_id: str, text: str) -> web.Response:
    return reply(status, error_body(name, request_id, text), request_id)


def too_many(request_id: str, retry_after_s: float) -> web.Response:
    body = error_body("ERROR", request_id, RATE_TEXT)
    return reply(429, body, request_id, Retry_After=str(math.ceil(retry_after_s)))


def failure(fault: RestFault, request_id: str) -> web.Response | None:
    """The answer of a fault that needs no good answer to spoil; None for another."""
    if fault.kind == "http429":
        return too_many(request_id, fault.retry_after_s)
    if fault.kind.startswith("http"):
        return refusal(int(fault.kind.removeprefix("http")), "ERROR", request_id, "Internal server error")
    return None


async def spoiled(
    fault: RestFault, request: web.Request, body: bytes, request_id: str, first_url: str
) -> web.StreamResponse:
    """A good answer, gone wrong. `first_url`: where the pages being read began."""
    if fault.kind in {"truncate", "reset"}:
        return await _broken_off(request, body, reset=fault.kind == "reset")
    if fault.kind in {"half", "nobody"}:
        return reply(200, body[: len(body) // 2] if fault.kind == "half" else b"", request_id)
    if fault.kind == "empty":
        return reply(200, _emptied(body), request_id)
    following = {"repeat": str(request.url), "loop": first_url, "elsewhere": ELSEWHERE + request.path_qs}[fault.kind]
    return reply(200, _with_next(body, following), request_id)


async def _broken_off(request: web.Request, body: bytes, *, reset: bool) -> web.StreamResponse:
    """Promise the whole body, send half of it, cut the connection."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport:
        if reset:
            await asyncio.sleep(0)
            request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            request.transport.abort()
        else:
            request.transport.close()
    return response


def _emptied(body: bytes) -> bytes:
    """The same envelope, saying that nothing was found; a bare list is an empty one."""
    if not body.startswith(b"{"):
        return b"[]"
    answer = _OBJECT.decode(body)
    answer.pop("next_url", None)
    answer |= {name: msgspec.Raw(b"0") for name in _COUNTS if name in answer}
    answer |= {name: msgspec.Raw(b"[]") for name in _LISTS if name in answer}
    if "queryCount" in answer:
        answer.pop("results", None)
    return msgspec.json.encode(answer)


def _with_next(body: bytes, url: str) -> bytes:
    if not body.startswith(b"{"):
        return body
    return msgspec.json.encode(_OBJECT.decode(body) | {"next_url": msgspec.Raw(json.dumps(url).encode())})
