"""Every assembly that the tests look at, from the one command that synthesises (`stacks.synth`).

`python -m tests.infrastructure.assemblies FOLDER` writes them all in one process: loading the CDK and its checks takes
ten times as long as a synthesis. Prints what the command says; exits as it does when it refuses.
"""

import sys
from pathlib import Path

from local_dev.cost.load import Load
from local_dev.cost.synthesis import PROFILES, options, settings_for
from stacks.synth import main, uncollected

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
EVERYTHING = ("--cdk-rules", "-c", "push=on", "-c", "alarm_email=ops@example.com")
BILLED = {profile: options(settings_for(profile, Load(), {})) for profile in PROFILES}
ARGUMENTS = {
    "with_push": ("--stub-assets", *EVERYTHING),
    "without_push": ("--stub-assets",),
    "full": ("--stub-assets", "-c", "profile=full", "-c", "shards=3"),
    "prod": (
        *("--stub-assets", "-c", "environment=prod", "-c", "shards=3", "-c", "symbols=SPY,QQQ"),
        *("-c", "region=eu-west-1", "-c", "domain=bars.example.com", "-c", f"certificate_arn={CERTIFICATE}"),
        *("-c", f"origin_secret_version={'a1' * 16}"),
    ),
    "bill_full": (*BILLED["full"], "--cdk-rules"),
    "bill_lean": BILLED["lean"],
    "real": EVERYTHING[1:],
}
"""Name -> arguments of the command. `bill_*` are those of docs/cost.md; `real` builds what is uploaded."""


def synthesise(folder: Path) -> int:
    for name, arguments in ARGUMENTS.items():
        sys.argv = ["synth", "--out", str(folder / name), *arguments]
        refused = main()
        if refused:
            return refused
    return 0


if __name__ == "__main__":
    sys.exit(uncollected(lambda: synthesise(Path(sys.argv[1]))))
