"""`make lists`: writes docs/rights.md and docs/kept.md from the templates of both profiles."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from stacks.audit.lists import CONTEXTS, documents
from stacks.settings import ROOT
from stacks.synth import synthesise


def main() -> None:
    """Prints what the pages hold. Raises what `synthesise` raises."""
    with tempfile.TemporaryDirectory() as folder:
        assemblies = {profile: Path(folder) / profile for profile in CONTEXTS}
        for profile, out in assemblies.items():
            synthesise(out, stub_assets=True, context=CONTEXTS[profile])
        for name, text in documents(assemblies).items():
            (ROOT / "docs" / name).write_text(text, encoding="utf-8")
            sys.stdout.write(f"docs/{name}: {len(text.splitlines())} lines\n")


if __name__ == "__main__":
    main()
