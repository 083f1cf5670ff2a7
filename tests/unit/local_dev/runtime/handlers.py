"""Handlers that real runtime processes load in the tests beside this file."""

import base64
import json
import os
import time
from pathlib import Path
from typing import Any


class CompanyHoliday(Exception):
    """A name of our own, to see whether it arrives."""


def echo(event: Any, context: Any) -> Any:
    return event


def about(event: Any, context: Any) -> dict[str, Any]:
    return {
        "request_id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "name": context.function_name,
        "memory": context.memory_limit_in_mb,
        "left_ms": context.get_remaining_time_in_millis(),
        "trace": os.environ["_X_AMZN_TRACE_ID"],
        "environment": dict(os.environ),
        "cwd": str(Path.cwd()),
    }


def fail(event: Any, context: Any) -> None:
    raise CompanyHoliday("closed on Mondays")


def act(event: dict[str, Any], context: Any) -> Any:
    """Print, sleep, die or answer at length, as the event asks; the answer is the process id."""
    if "log" in event:
        print(event["log"])  # noqa: T201  # a handler's output is what is tested
    if "mark" in event:
        Path(event["mark"]).touch()
    time.sleep(event.get("sleep", 0))
    if "exit" in event:
        os._exit(event["exit"])
    return "x" * event["answer_bytes"] if "answer_bytes" in event else os.getpid()


def child(event: Any, context: Any) -> int:
    """Leave a child process behind and wait for ever."""
    pid = os.fork()
    if pid == 0:
        time.sleep(600)
        os._exit(0)
    Path(event["pid_file"]).write_text(str(pid))
    time.sleep(600)
    return pid


def collect(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Append `shard data` of every record to the file SEEN; stop at data that says so."""
    with Path(os.environ["SEEN"]).open("a") as seen:
        for record in event["Records"]:
            data = base64.b64decode(record["kinesis"]["data"]).decode()
            if data == "poison":
                return {"batchItemFailures": [{"itemIdentifier": record["kinesis"]["sequenceNumber"]}]}
            if data == "bug":
                raise CompanyHoliday(data)
            if data == "slow":
                time.sleep(float(os.environ.get("SLOW_SECONDS", "0.2")))
            seen.write(f"{record['eventID'].split(':')[0]} {data}\n")
            seen.flush()
    return {"batchItemFailures": []}


def changed(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Append the new state of every changed item to the file SEEN, as JSON; stop at an item that says so."""
    with Path(os.environ["SEEN"]).open("a") as seen:
        for record in event["Records"]:
            new = record["dynamodb"].get("NewImage", {})
            if new.get("note") == {"S": "poison"}:
                return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
            seen.write(json.dumps([record["eventName"], new.get("note", {}).get("S")]) + "\n")
            seen.flush()
    return {"batchItemFailures": []}
