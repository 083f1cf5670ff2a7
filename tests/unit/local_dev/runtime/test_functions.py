import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local_dev.runtime.functions import PROJECT_ROOT, FunctionPool, FunctionSpec, FunctionStartError
from local_dev.runtime.invocation import PAYLOAD_LIMIT_BYTES
from tests.unit.local_dev.runtime.conftest import HANDLERS, StartFunction


def wait_for(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"


def test_a_handler_answers_what_it_was_asked(start: StartFunction) -> None:
    result = start("echo").invoke("echo", {"bars": [1, "zwei", None]})
    assert result.ok
    assert result.reached
    assert result.json() == {"bars": [1, "zwei", None]}


def test_the_context_is_lambdas(start: StartFunction) -> None:
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:about"
    result = start("about", timeout_seconds=7, memory_mb=256, arn=arn).invoke("about", {})
    about = result.json()
    assert about["request_id"] == result.request_id
    assert about["arn"] == arn
    assert (about["name"], about["memory"]) == ("about", "256")
    assert 6_000 < about["left_ms"] <= 7_000
    assert about["trace"].startswith("Root=1-")


def test_a_function_sees_its_own_environment_and_nothing_of_ours(
    start: StartFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("POLYGON_API_KEY", "secret")
    environment = start("about", environment={"BARS_TABLE": "bars"}).invoke("about", {}).json()["environment"]
    assert environment["BARS_TABLE"] == "bars"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "about"
    assert not {"AWS_PROFILE", "POLYGON_API_KEY"} & set(environment)
    assert environment["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull


def test_an_error_keeps_its_own_type_message_and_trace(start: StartFunction) -> None:
    result = start("fail").invoke("fail", {})
    assert result.error is not None
    assert (result.error.type, result.error.message) == ("CompanyHoliday", "closed on Mondays")
    assert "handlers.py" in "".join(result.error.stack_trace)
    assert result.json()["requestId"] == result.request_id


def test_a_function_that_takes_too_long_is_killed_and_replaced(start: StartFunction) -> None:
    pool = start("act", timeout_seconds=0.5)
    before = pool.invoke("act", {}).json()
    result = pool.invoke("act", {"sleep": 60})
    assert result.error is not None
    assert result.error.type == "Sandbox.Timedout"
    assert result.error.message.endswith("Task timed out after 0.50 seconds")
    assert not runs(before)
    assert pool.invoke("act", {}).json() != before


def test_a_stopped_process_counts_as_too_slow(start: StartFunction) -> None:
    pool = start("act", timeout_seconds=0.5)
    os.kill(pool.invoke("act", {}).json(), signal.SIGSTOP)
    result = pool.invoke("act", {})
    assert result.error is not None
    assert result.error.type == "Sandbox.Timedout"
    assert pool.invoke("act", {}).ok


def test_a_process_that_exits_fails_the_invocation(start: StartFunction) -> None:
    pool = start("act")
    result = pool.invoke("act", {"exit": 3})
    assert result.error is not None
    assert result.error.type == "Runtime.ExitError"
    assert result.error.message.endswith("Runtime exited with error: exit status 3")
    assert pool.invoke("act", {}).ok


def test_a_process_killed_in_mid_invocation_fails_it_and_is_replaced(start: StartFunction, tmp_path: Path) -> None:
    pool = start("act", timeout_seconds=30)
    (before,) = pool.pids["act"]
    mark = tmp_path / "running"
    with ThreadPoolExecutor(1) as caller:
        answer = caller.submit(pool.invoke, "act", {"mark": str(mark), "sleep": 60})
        wait_for(mark.exists)
        os.kill(before, signal.SIGKILL)
        result = answer.result(timeout=10)
    assert result.error is not None
    assert result.error.type == "Runtime.ExitError"
    assert result.error.message.endswith("signal: killed")
    wait_for(lambda: pool.pids["act"] and pool.pids["act"] != [before])
    assert pool.invoke("act", {}).json() != before


def test_a_process_killed_while_idle_is_replaced_before_anybody_asks(start: StartFunction) -> None:
    pool = start("act")
    (before,) = pool.pids["act"]
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: pool.pids["act"] and pool.pids["act"] != [before])
    (after,) = pool.pids["act"]
    assert pool.invoke("act", {}).json() == after


def test_each_kill_fails_one_invocation_at_most_and_the_next_is_answered(start: StartFunction) -> None:
    pool, chance = start("act", timeout_seconds=30), random.Random(7)
    with ThreadPoolExecutor(1) as caller:
        for _ in range(8):
            pid = pool.invoke("act", {}).json()
            answer = caller.submit(pool.invoke, "act", {"sleep": 0.05})
            time.sleep(chance.uniform(0.0, 0.08))
            os.kill(pid, signal.SIGKILL)
            results = [answer.result(timeout=30), pool.invoke("act", {})]
            assert [result.error.type for result in results if result.error] in ([], ["Runtime.ExitError"])


def test_one_process_handles_one_event_at_a_time(start: StartFunction) -> None:
    pool = start("act", workers=2)
    with ThreadPoolExecutor(4) as callers:
        pids = [answer.json() for answer in callers.map(lambda _: pool.invoke("act", {"sleep": 0.1}), range(6))]
    assert set(pids) == set(pool.pids["act"])
    assert len(set(pids)) == 2


def test_a_busy_function_throttles_after_the_callers_patience(start: StartFunction, tmp_path: Path) -> None:
    pool = start("act", timeout_seconds=30)
    mark = tmp_path / "running"
    with ThreadPoolExecutor(1) as caller:
        first = caller.submit(pool.invoke, "act", {"mark": str(mark), "sleep": 1})
        wait_for(mark.exists)
        second = pool["act"].invoke({}, wait_seconds=0.05)
        assert not second.reached
        assert second.error is not None
        assert second.error.type == "TooManyRequestsException"
        assert first.result(timeout=10).ok


def test_payloads_go_up_to_six_mebibytes_and_no_further(start: StartFunction) -> None:
    pool = start("echo", "act", timeout_seconds=20)
    fits = b'"' + b"x" * (PAYLOAD_LIMIT_BYTES - 2) + b'"'
    assert pool.invoke("echo", fits).payload == fits
    too_large = pool.invoke("echo", fits + b" ")
    assert too_large.error is not None
    assert too_large.error.type == "RequestTooLargeException"
    answer = pool.invoke("act", {"answer_bytes": PAYLOAD_LIMIT_BYTES})
    assert answer.error is not None
    assert answer.error.type == "Function.ResponseSizeTooLarge"
    assert pool.invoke("act", {}).ok


def test_a_handler_that_cannot_be_loaded_is_named_with_its_error(tmp_path: Path) -> None:
    with pytest.raises(FunctionStartError, match=r"^broken: Runtime.ImportModuleError: Unable to import module 'nope'"):
        FunctionPool(tmp_path).start([FunctionSpec("broken", "nope.handler")])


def test_of_a_function_that_nobody_waits_for_the_failure_is_kept(tmp_path: Path) -> None:
    with FunctionPool(tmp_path) as pool:
        (broken,) = pool.launch([FunctionSpec("broken", "nope.handler")])
        assert not broken.invoke({}).ok
        assert "broken: Runtime.ImportModuleError" in str(broken.failure)


def test_output_of_a_function_goes_to_its_own_log(start: StartFunction, tmp_path: Path) -> None:
    pool = start("act", "fail")
    pool.invoke("act", {"log": "said in passing"})
    pool.invoke("fail", {})
    assert "said in passing" in (tmp_path / "logs/act.log").read_text()
    assert "CompanyHoliday: closed on Mondays" in (tmp_path / "logs/fail.log").read_text()


def test_a_function_is_found_by_name_and_by_arn(start: StartFunction) -> None:
    pool = start("echo")
    assert pool["arn:aws:lambda:us-east-1:000000000000:function:echo:live"] is pool["echo"]
    with pytest.raises(KeyError):
        pool["other"]


def test_it_can_be_called_from_asyncio(start: StartFunction) -> None:
    pool = start("echo")

    async def ask() -> list[object]:
        answers = await asyncio.gather(*(asyncio.to_thread(pool.invoke, "echo", {"n": n}) for n in range(4)))
        return [answer.json() for answer in answers]

    assert asyncio.run(ask()) == [{"n": n} for n in range(4)]


def test_stopping_leaves_no_process_and_no_grandchild(start: StartFunction, tmp_path: Path) -> None:
    pool = start("echo", "child", timeout_seconds=60)
    pid_file = tmp_path / "grandchild"
    with ThreadPoolExecutor(1) as caller:
        answer = caller.submit(pool.invoke, "child", {"pid_file": str(pid_file)})
        wait_for(lambda: pid_file.exists() and pid_file.read_text())
        pids = [pid for some in pool.pids.values() for pid in some] + [int(pid_file.read_text())]
        pool["child"].stop(grace_seconds=0.1)
        assert answer.result(timeout=10).error is not None
    pool.stop()
    assert len(pids) == 3
    wait_for(lambda: not any(runs(pid) for pid in pids))
    assert not pool.invoke("echo", {}).reached


def test_stopping_lets_an_event_in_progress_finish(start: StartFunction, tmp_path: Path) -> None:
    pool = start("act", timeout_seconds=30)
    mark = tmp_path / "running"
    with ThreadPoolExecutor(1) as caller:
        answer = caller.submit(pool.invoke, "act", {"mark": str(mark), "sleep": 0.3})
        wait_for(mark.exists)
        pool.stop()
        assert answer.result(timeout=1).ok


def test_functions_die_with_the_process_that_started_them(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from local_dev.runtime.functions import *\n"
        f"pool = FunctionPool(Path({str(tmp_path)!r}))\n"
        f"pool.start([FunctionSpec('act', {HANDLERS + '.act'!r}, timeout_seconds=60)])\n"
        "print(*pool.pids['act'], flush=True)\n"
        "pool.invoke('act', {'sleep': 60})\n"
    )
    command = [sys.executable, "-c", program]
    parent = subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603  # ours
    assert parent.stdout is not None
    with parent.stdout as output:
        pid = int(output.readline())
    assert runs(pid)
    parent.kill()
    parent.wait(10)
    wait_for(lambda: not runs(pid))


def test_specs_are_checked() -> None:
    for wrong in ({"name": "a b"}, {"handler": "nodot"}, {"timeout_seconds": 0}, {"workers": 0}):
        with pytest.raises(ValueError, match=r"was"):
            FunctionSpec(**{"name": "f", "handler": "m.f", **wrong})  # type: ignore[arg-type]  # mixed on purpose


def test_a_spec_is_read_from_lambdas_own_description() -> None:
    spec = FunctionSpec.from_configuration(
        {
            "FunctionName": "live",
            "Handler": "speed_layer/live/handler.lambda_handler",
            "Timeout": 60,
            "MemorySize": 512,
            "Environment": {"Variables": {"BARS_TABLE": "bars", "LOG_LEVEL": "INFO"}},
            "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:live",
        },
        environment={"LOG_LEVEL": "DEBUG"},
    )
    assert (spec.name, spec.timeout_seconds, spec.memory_mb) == ("live", 60.0, 512)
    assert spec.environment == {"BARS_TABLE": "bars", "LOG_LEVEL": "DEBUG"}
