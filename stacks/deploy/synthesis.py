"""An assembly that may be deployed: everything in it is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from stacks.constructs.base_image import base
from stacks.constructs.wheels import IndexUnreachableError
from stacks.report import findings
from stacks.settings import Settings, context_of, feature_flags
from stacks.synth import synthesise


class NothingToDeploy(RuntimeError):
    """Synthesis or a security check refused, or what is uploaded could not be built; the message says which."""


def settings_of(words: Sequence[str]) -> tuple[dict[str, str], Settings]:
    """Context and settings from `KEY=VALUE` words; what they leave out may stand in `context` of cdk.json.

    Raises ValueError for a wrong setting.
    """
    context = context_of(words)
    return context, Settings.from_context({**feature_flags(), **context})


def synthesise_real(out: Path, context: Mapping[str, str]) -> None:
    """Neither stubs, which `make synth` falls back to without a network, nor images of any base are deployed.

    Raises NothingToDeploy.
    """
    if not base().digest:
        raise NothingToDeploy(base().without_digest)
    try:
        synthesise(out, stub_assets=False, context=context)
    except IndexUnreachableError as error:
        raise NothingToDeploy(f"the wheels of a bundle are neither cached nor to be had ({error})") from error
    except RuntimeError as error:
        refused = len(findings(out))
        raise NothingToDeploy(f"synthesis refused: {f'{refused} findings' if refused else error}") from error
