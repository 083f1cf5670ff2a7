"""The image that ours are built from, by the digest in locks/images.json.

`python -m stacks.constructs.base_image` (part of `make lock`) asks the registry which image the tag names now and
writes its digest down; what is deployed is built from that image and no other.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import urllib3

from stacks.settings import ROOT

LOCK = ROOT / "locks" / "images.json"
_TIMEOUT = urllib3.Timeout(10)
_INDEXES = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json"
"""What lists the image of each architecture: its digest holds for all of them."""
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


class BaseImageError(RuntimeError):
    """The base image has no digest, or the registry does not tell it; the message says what to do."""


class Base(NamedTuple):
    """An image in a registry; `digest` is sha256:…, empty before it was locked."""

    name: str
    tag: str
    digest: str

    @property
    def reference(self) -> str:
        """What Docker is told: the digest decides, the tag is for people."""
        return f"{self.name}:{self.tag}{'@' if self.digest else ''}{self.digest}"

    @property
    def without_digest(self) -> str:
        """What whoever is about to deploy has to do."""
        return (
            f"{self.reference} has no digest: run `make lock-image` where its registry can be reached, and commit "
            f"{LOCK.relative_to(ROOT)}"
        )


def base(lock: Path = LOCK) -> Base:
    """What the lock says."""
    return Base(**json.loads(lock.read_text(encoding="utf-8")))


def digest_now(wanted: Base, *, scheme: str = "https") -> str:
    """The digest that the tag has in its registry, checked against what it stands for. Raises BaseImageError."""
    host, _, repository = wanted.name.partition("/")
    url = f"{scheme}://{host}/v2/{repository}/manifests/{wanted.tag}"
    headers = {"Accept": _INDEXES}
    with urllib3.PoolManager(timeout=_TIMEOUT, retries=2) as pool:
        try:
            answer = pool.request("GET", url, headers=headers)
            if answer.status == 401:
                token = _token(pool, answer.headers.get("WWW-Authenticate", ""))
                answer = pool.request("GET", url, headers=headers | {"Authorization": f"Bearer {token}"})
        except urllib3.exceptions.HTTPError as error:
            raise BaseImageError(f"{wanted.reference}: {host} does not answer ({type(error).__name__})") from error
    if answer.status != 200:
        raise BaseImageError(f"{wanted.reference}: {host} answers {answer.status}")
    found = f"sha256:{hashlib.sha256(answer.data).hexdigest()}"
    if answer.headers.get("Docker-Content-Digest", found) != found:
        raise BaseImageError(f"{wanted.reference}: {host} sent something else than it says")
    return found


def _token(pool: urllib3.PoolManager, challenge: str) -> str:
    """A token for anybody, from where the registry's refusal says."""
    asked = dict(_CHALLENGE.findall(challenge))
    if "realm" not in asked:
        raise BaseImageError(f"the registry refuses without saying whom to ask: {challenge!r}")
    answer = pool.request("GET", f"{asked.pop('realm')}?{urlencode(asked)}")
    held = json.loads(answer.data) if answer.status == 200 else {}
    if "token" not in held:
        raise BaseImageError(f"the registry gives nobody a token: {answer.status}")
    return str(held["token"])


def write_lock(lock: Path = LOCK, *, scheme: str = "https") -> None:
    """Write the digest of now into the lock. Raises BaseImageError, and then leaves the lock as it was."""
    wanted = base(lock)
    found = wanted._replace(digest=digest_now(wanted, scheme=scheme))
    lock.write_text(f"{json.dumps(found._asdict(), indent=2)}\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        write_lock()
    except BaseImageError as error:
        sys.exit(str(error))
