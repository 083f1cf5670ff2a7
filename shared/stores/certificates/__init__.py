"""Roots that sign the certificates of PostgreSQL on AWS.

`rds.pem`: the three roots (G1, valid until 2061 or later) of each of 27 regions, public certificates of Amazon RDS, as
two independent copies of Amazon's global bundle have them alike (taken 2026-11-26). A region that is not among them is
refused before anything is deployed there (stacks/settings.py).
"""

import re
from functools import lru_cache
from pathlib import Path

RDS = Path(__file__).with_name("rds.pem")
_NAMED = re.compile(r"^# Amazon RDS (\S+) Root CA ", re.MULTILINE)


@lru_cache(maxsize=1)
def regions() -> frozenset[str]:
    """Regions whose databases can be told from impostors."""
    return frozenset(_NAMED.findall(RDS.read_text(encoding="ascii")))
