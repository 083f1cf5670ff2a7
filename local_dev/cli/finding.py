"""One line of `condvest doctor`."""

from typing import NamedTuple


class Finding(NamedTuple):
    """`remedy`: what to do; empty when all is well. `limits`: the platform works as it is, with fewer feeds."""

    what: str
    found: str
    remedy: str = ""
    limits: bool = False

    @property
    def fails(self) -> bool:
        return bool(self.remedy) and not self.limits

    @property
    def mark(self) -> str:
        return "!!" if self.fails else "--" if self.remedy else "ok"
