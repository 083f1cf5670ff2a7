"""The headers of the dashboard's answers, from the file that the local front door reads too."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudfront as cloudfront
from constructs import Construct

from stacks.settings import ROOT

HEADERS = ROOT / "serving_layer" / "dashboard" / "headers.json"
HSTS = Duration.days(365)
"""The edge speaks TLS only; the local front door does not, so this header is not in the file."""


def page_headers() -> dict[str, str]:
    """Name -> value. Raises OSError or ValueError when the file cannot be read."""
    headers: dict[str, str] = json.loads(HEADERS.read_text(encoding="utf-8"))
    return headers


def page_headers_policy(scope: Construct, id_: str, headers: Mapping[str, str]) -> cloudfront.ResponseHeadersPolicy:
    """CloudFront sends `headers` and HSTS, whatever the origin says.

    Security headers have fields of their own there and are refused among the others.
    Raises ValueError for a value that such a field cannot express.
    """
    rest = dict(headers)
    csp = rest.pop("Content-Security-Policy", None)
    referrer = rest.pop("Referrer-Policy", None)
    if (sniff := rest.pop("X-Content-Type-Options", None)) not in {None, "nosniff"}:
        raise ValueError(f"X-Content-Type-Options must be nosniff, was {sniff!r}")
    security = cloudfront.ResponseSecurityHeadersBehavior(
        content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
            content_security_policy=csp, override=True
        )
        if csp
        else None,
        content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True) if sniff else None,
        referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
            referrer_policy=cloudfront.HeadersReferrerPolicy[referrer.upper().replace("-", "_")], override=True
        )
        if referrer
        else None,
        strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
            access_control_max_age=HSTS, override=True
        ),
    )
    custom = [
        cloudfront.ResponseCustomHeader(header=name, value=value, override=True) for name, value in sorted(rest.items())
    ]
    return cloudfront.ResponseHeadersPolicy(
        scope,
        id_,
        security_headers_behavior=security,
        custom_headers_behavior=cloudfront.ResponseCustomHeadersBehavior(custom_headers=custom) if custom else None,
    )
