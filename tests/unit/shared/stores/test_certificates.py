"""The roots that a database on AWS is told by."""

import hashlib
import ssl
from typing import Any

from shared.stores.certificates import RDS, regions

PUBLISHED = "73f6190230da6d0adddccb70c71530bf6ac933126c31cf108d7178a24eb928fd"
"""Of the file as it was compared with two copies of Amazon's bundle."""


def test_the_file_is_the_one_that_was_compared() -> None:
    assert hashlib.sha256(RDS.read_bytes()).hexdigest() == PUBLISHED


def test_it_holds_three_roots_of_each_region_and_each_says_whose_it_is() -> None:
    """The names beside the certificates are for people; those inside are what counts."""
    subjects = [dict(pair for (pair,) in root["subject"]) for root in roots()]
    names = [subject["commonName"] for subject in subjects]
    assert sorted(names) == sorted(
        f"Amazon RDS {region} Root CA {kind} G1" for region in regions() for kind in ("ECC384", "RSA2048", "RSA4096")
    )
    assert {subject["organizationName"] for subject in subjects} == {"Amazon Web Services, Inc."}
    assert len(regions()) == 27


def test_none_ends_before_2061() -> None:
    assert min(int(root["notAfter"].split()[3]) for root in roots()) >= 2061


def roots() -> list[dict[str, Any]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(RDS)
    return context.get_ca_certs()
