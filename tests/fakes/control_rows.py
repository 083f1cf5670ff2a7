"""The control table in memory: lease, late marks, how far functions have come, with ControlStore's rules."""

from shared.errors import StoreUnavailable
from shared.stores.control import Progress

HOUR_MS = 3_600_000


class ControlRows:
    """`down` makes every call fail."""

    def __init__(self) -> None:
        self.owner, self.epoch, self.deadline_s = "", 0, 0.0
        self.marks: set[tuple[str, int]] = set()
        self.reached: dict[str, Progress] = {}
        self.log: list[str] = []
        self.down = False

    def take_lease(self, owner: str, now_s: float, deadline_s: float) -> int | None:
        self._answer("take")
        if self.deadline_s >= now_s and self.owner != owner:
            return None
        self.owner, self.deadline_s = owner, deadline_s
        self.epoch += 1
        return self.epoch

    def extend_lease(self, owner: str, epoch: int, deadline_s: float) -> bool:
        self._answer("extend")
        if (self.owner, self.epoch) != (owner, epoch):
            return False
        self.deadline_s = deadline_s
        return True

    def start_epochs_after(self, epoch: int) -> None:
        self._answer("epochs")
        self.epoch = epoch

    def mark_late(self, sym: str, t_ms: int, now_s: int) -> None:
        self._answer("mark")
        self.marks.add((sym, t_ms - t_ms % HOUR_MS))

    def is_marked_late(self, sym: str, t_ms: int, now_s: int) -> bool:
        self._answer("check")
        return (sym, t_ms - t_ms % HOUR_MS) in self.marks

    def put_through(self, reader: str, sequence: str) -> None:
        self.put_progress(reader, Progress(sequence))

    def through(self, reader: str) -> str | None:
        return self.progress(reader).sequence or None

    def put_progress(self, reader: str, progress: Progress) -> None:
        self._answer("put progress")
        self.reached[reader] = progress

    def progress(self, reader: str) -> Progress:
        self._answer("progress")
        return self.reached.get(reader, Progress())

    def _answer(self, call: str) -> None:
        self.log.append(call)
        if self.down:
            raise StoreUnavailable("control table: down")
