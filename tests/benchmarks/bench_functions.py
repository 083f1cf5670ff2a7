"""What a cold start pays: imports of every function, and the size of what is uploaded."""

from pathlib import Path

from stacks.constructs.bundle import BUNDLES, build
from tests.benchmarks.rows import Row, import_ms

LIMIT_MS = {"stream": 350, "signals": 350, "api": 450}
"""By lock (design, section 11); what runs once a night has no limit."""
LIMIT_MB = 40
CRT = "awscrt"
"""Here for `condvest keys`; no bundle has it, nor does Lambda's boto3."""


def run() -> list[Row]:
    """About a minute, most of it starts of Python. Bundles need their wheels: from the cache or the package index."""
    imports = [Row("import of boto3, to compare with", import_ms("boto3", without=CRT), "ms")]
    for bundle in BUNDLES.values():
        took = import_ms(bundle.module, without=CRT)
        imports.append(Row(f"import of {bundle.module}", took, "ms", LIMIT_MS.get(bundle.lock)))
    sizes = [Row(f"bundle of {name}, unpacked", size_mb(build(name)), "MB", LIMIT_MB) for name in BUNDLES]
    return imports + sizes


def size_mb(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
