"""The chart library is the published one, byte for byte."""

import hashlib

from tests.browser.platform import DASHBOARD

# dist/lightweight-charts.standalone.production.mjs of lightweight-charts 5.2.1 on npm
SHA256 = "1bb1ee79f9d4dd17261b53d930f7a8995748276f80e7ba0e24412b5068062f5f"


def test_the_chart_library_is_the_published_file_with_its_licence_header() -> None:
    body = (DASHBOARD / "vendor" / "lightweight-charts-5.2.1.js").read_bytes()
    assert hashlib.sha256(body).hexdigest() == SHA256
    assert b"Licensed under Apache License 2.0" in body[:400]
