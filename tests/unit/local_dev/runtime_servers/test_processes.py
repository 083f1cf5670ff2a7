import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local_dev.runtime.processes import CRASHES_ALLOWED, GUARD, Command, Supervisor

ROOT = Path(__file__).parents[4]


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path / "logs")
    yield supervisor
    supervisor.stop()


def python(name: str, code: str, tmp_path: Path, *, respawn: bool = False) -> Command:
    return Command(name, (sys.executable, "-c", textwrap.dedent(code)), {"A": "b"}, cwd=tmp_path, respawn=respawn)


def test_what_a_child_says_goes_to_its_log(supervisor: Supervisor, tmp_path: Path) -> None:
    child = supervisor.start(python("talker", "import os; print('hello', dict(os.environ)['A'])", tmp_path))
    until(lambda: child.down)
    assert child.returncode == 0
    assert child.last_words() == "hello b"
    assert child.log == tmp_path / "logs" / "talker.log"


def test_a_killed_child_is_started_again_when_asked_for(supervisor: Supervisor, tmp_path: Path) -> None:
    child = supervisor.start(python("sleeper", "import time; time.sleep(60)", tmp_path, respawn=True))
    first = child.pid
    os.kill(first, signal.SIGKILL)
    until(lambda: child.starts == 2)
    assert child.alive
    assert child.pid != first


def test_a_killed_child_stays_down_otherwise(supervisor: Supervisor, tmp_path: Path) -> None:
    child = supervisor.start(python("sleeper", "import time; time.sleep(60)", tmp_path))
    os.kill(child.pid, signal.SIGKILL)
    until(lambda: child.down)
    assert (child.starts, child.returncode) == (1, -signal.SIGKILL)


def test_a_child_that_is_done_is_not_started_again(supervisor: Supervisor, tmp_path: Path) -> None:
    child = supervisor.start(python("done", "pass", tmp_path, respawn=True))
    until(lambda: child.down)
    assert (child.starts, child.returncode) == (1, 0)


def test_a_service_is_started_again_even_when_it_ended_well(supervisor: Supervisor, tmp_path: Path) -> None:
    child = supervisor.start(replace(python("service", "print('done')", tmp_path, respawn=True), endless=True))
    until(lambda: child.starts == 2)


def test_a_child_that_cannot_start_is_given_up(supervisor: Supervisor, tmp_path: Path) -> None:
    child = supervisor.start(python("broken", "raise SystemExit(3)", tmp_path, respawn=True))
    until(lambda: child.down)
    assert (child.starts, child.returncode) == (CRASHES_ALLOWED, 3)


def test_children_are_stopped_last_started_first(supervisor: Supervisor, tmp_path: Path) -> None:
    code = """
        import signal, sys, time
        def bye(*_):
            open('order', 'a').write(sys.argv[1] + ' ')
            sys.exit(0)
        signal.signal(signal.SIGTERM, bye)
        print('ready', flush=True)
        while True: time.sleep(0.05)
    """
    children = []
    for name in ("one", "two", "three"):
        command = python(name, code, tmp_path)
        children.append(supervisor.start(Command(name, (*command.argv, name), {}, cwd=tmp_path)))
    until(lambda: all("ready" in child.last_words() for child in children))
    supervisor.stop()
    assert (tmp_path / "order").read_text().split() == ["three", "two", "one"]
    assert [child.returncode for child in children] == [0, 0, 0]


def test_a_child_that_does_not_listen_is_killed_with_all_it_started(supervisor: Supervisor, tmp_path: Path) -> None:
    code = """
        import signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True)
        time.sleep(60)
    """
    child = supervisor.start(python("deaf", code, tmp_path))
    until(lambda: child.last_words().strip())
    grandchild = int(child.last_words())
    supervisor.stop_child(child, 0.2)
    assert child.returncode == -signal.SIGKILL
    until(lambda: not running(grandchild))


def test_a_stopped_child_is_not_started_again(supervisor: Supervisor, tmp_path: Path) -> None:
    child = supervisor.start(python("sleeper", "import time; time.sleep(60)", tmp_path, respawn=True))
    supervisor.stop_child(child)
    time.sleep(0.2)
    assert (child.starts, child.alive) == (1, False)


PARENT = """
    import sys, threading, time
    from pathlib import Path
    from local_dev.runtime.processes import Command, Supervisor
    supervisor = Supervisor(Path(sys.argv[1]))
    def start():
        child = supervisor.start(Command('c', (sys.executable, '-c', 'import time; time.sleep(60)'), {ENV}, Path('.')))
        print(child.pid, flush=True)
    thread = threading.Thread(target=start); thread.start(); thread.join()
    ENDING
"""


def parent(tmp_path: Path, ending: str, environment: str = "{}") -> tuple["subprocess.Popen[str]", int]:
    code = textwrap.dedent(PARENT).replace("ENDING", ending).replace("{ENV}", environment)
    process = subprocess.Popen(  # noqa: S603  (the code above)
        [sys.executable, "-c", code, str(tmp_path / "logs")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    return process, int(process.stdout.readline())


def test_a_child_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    process, child = parent(tmp_path, "time.sleep(60)")
    time.sleep(0.3)
    assert running(child), "the end of the thread that asked for it must not end it"
    process.kill()
    process.wait()
    until(lambda: not running(child))


def test_a_child_does_not_outlive_a_parent_that_ends_normally(tmp_path: Path) -> None:
    process, child = parent(tmp_path, "")
    assert process.wait(10) == 0
    until(lambda: not running(child))


def test_without_the_kernels_help_the_guard_watches_the_parent(tmp_path: Path) -> None:
    process, guard = parent(tmp_path, "time.sleep(60)", "{'CONDVEST_GUARD_WATCHES': '1'}")
    children = Path(f"/proc/{guard}/task/{guard}/children")
    until(lambda: children.read_text().strip())
    command = int(children.read_text())
    process.kill()
    process.wait()
    until(lambda: not running(command) and not running(guard))


def test_the_watching_guard_passes_on_signals_and_the_exit_code() -> None:
    code = """if True:
        import signal, sys, time
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
        print(1, flush=True)
        time.sleep(60)
    """
    process = subprocess.Popen(  # noqa: S603  (the code above)
        [sys.executable, "-I", "-S", str(GUARD), str(os.getpid()), sys.executable, "-c", code],
        env={"CONDVEST_GUARD_WATCHES": "1"},
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stdout.readline() == b"1\n"
    process.terminate()
    assert process.wait(10) == 7
