"""Runs one command that must not outlive the process that asked for it.

`python -I -S guard.py PARENT_PID COMMAND...`; started as a file, so it may import only the standard library.

Linux: asks the kernel for SIGKILL on the parent's death and becomes the command (same pid, nothing in between).
Elsewhere: stays as the command's parent, passes signals on, and ends it when its own parent has gone.
"""

import os
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1  # linux/prctl.h
WATCH_SECONDS = 0.2


def main(arguments: list[str]) -> int:
    parent, command = int(arguments[0]), arguments[1:]
    if sys.platform == "linux" and not os.environ.get("CONDVEST_GUARD_WATCHES"):
        become(parent, command)
    return watch(parent, command)


def become(parent: int, command: list[str]) -> None:
    import ctypes  # noqa: PLC0415  (the other branch does not need it, and it costs 10 ms)

    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above took hold
        os._exit(1)
    os.execvp(command[0], command)  # noqa: S606  (no shell is wanted)


def watch(parent: int, command: list[str]) -> int:
    child = subprocess.Popen(command)  # noqa: S603  (the command comes from our own supervisor)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: child.send_signal(received))
    while child.poll() is None:
        if os.getppid() != parent:
            child.kill()
        time.sleep(WATCH_SECONDS)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
