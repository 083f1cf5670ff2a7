"""Daily bars from the vendor's flat files: one gzip CSV a trade date on an S3-compatible endpoint, all symbols.

Columns are found by their names, since their order is not o h l c; there is no vwap. Volume may have decimals.
"""

import csv
import zlib
from datetime import date
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from batch_layer.fetch.days import Completeness
from batch_layer.fetch.rows import Row, Texts, believed, daily_bar
from batch_layer.fetch.units import Fetched, ShortAnswer, Unit
from shared.bars.windows import new_york_date
from shared.errors import AccessRefused, InvalidRecord, SourceUnavailable
from shared.models.daily import DailyBar
from shared.observability import conceal

BUCKET = "flatfiles"
COLUMNS = ("ticker", "volume", "open", "close", "high", "low", "window_start", "transactions")
LARGEST_FILE = 64 * 1024 * 1024
"""Bytes when decompressed: a hundred times a day of the whole market."""
NS_PER_MS = 1_000_000
_MISSING = {"NoSuchKey", "404", "NotFound"}
_REFUSED = {"AccessDenied", "403", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch"}


def flat_client(endpoint: str, access_key: str, secret: str) -> Any:
    """A boto3 client (they carry no types) for the vendor's endpoint, with its own key and not the API's."""
    conceal(secret)
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=access_key,
        aws_secret_access_key=secret,
        config=Config(
            signature_version="s3v4",
            connect_timeout=5.0,
            read_timeout=30.0,
            retries={"total_max_attempts": 5, "mode": "standard"},
            s3={"addressing_style": "path"},
        ),
    )


def key_of(day: date) -> str:
    """
    >>> key_of(date(2024, 4, 5))
    'us_stocks_sip/day_aggs_v1/2024/04/2024-04-05.csv.gz'
    """
    return f"us_stocks_sip/day_aggs_v1/{day:%Y/%m}/{day}.csv.gz"


class FlatFiles:
    """`client`: of an S3-compatible endpoint."""

    def __init__(self, client: Any, bucket: str = BUCKET) -> None:
        self._client, self._bucket = client, bucket

    def fetch(self, unit: Unit, complete: Completeness) -> Fetched:
        """The whole market's day.

        Raises ShortAnswer (also where the file is not there yet), SourceUnavailable, AccessRefused, or InvalidRecord
        `columns`.
        """
        if unit.start is None or unit.start != unit.end:
            raise InvalidRecord("unit", f"must be of one day, was {unit.id}")
        bars, refused = believed(_rows(self._read(unit.start), unit.start))
        complete.check(unit.start, len(bars))
        return Fetched(bars=bars, refused=refused)

    def _read(self, day: date) -> bytes:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key_of(day))
            data: bytes = answer["Body"].read()
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in _MISSING:
                raise ShortAnswer(f"the vendor has no flat file of {day} yet") from error
            if code in _REFUSED:
                raise AccessRefused(f"the vendor refused the flat file of {day}: check its key and plan") from error
            raise SourceUnavailable(f"the vendor's flat files answered {code}") from error
        except BotoCoreError as error:
            raise SourceUnavailable(f"the vendor's flat files did not answer: {type(error).__name__}") from error
        return _decompressed(data, day)


def _decompressed(data: bytes, day: date) -> bytes:
    """Raises SourceUnavailable for a file that was cut short or damaged on its way."""
    reader = zlib.decompressobj(wbits=31)
    try:
        text = reader.decompress(data, LARGEST_FILE)
    except zlib.error as error:
        raise SourceUnavailable(f"the flat file of {day} is damaged: {error}") from error
    if not reader.eof:
        raise SourceUnavailable(f"the flat file of {day} ends early or is larger than {LARGEST_FILE} bytes")
    return text


def _rows(text: bytes, day: date) -> list[Row]:
    """Raises InvalidRecord `columns`."""
    header, *lines = text.split(b"\n")
    names = _cells(header)
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise InvalidRecord("columns", f"the flat file of {day} has no column {', '.join(missing)}")
    places = {name: names.index(name) for name in COLUMNS}
    return [_row(line, places, day) for line in lines if line]


def _cells(line: bytes) -> list[str]:
    """Raises InvalidRecord `shape`."""
    try:
        return next(csv.reader([line.decode().rstrip("\r")]), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidRecord("shape", f"{type(error).__name__}: {error}") from error


def _row(line: bytes, places: dict[str, int], day: date) -> Row:
    return Row(line, lambda: _bar_of(line, places, day))


def _bar_of(line: bytes, places: dict[str, int], day: date) -> DailyBar:
    """Raises InvalidRecord `shape`, `day` or what `daily_bar` raises."""
    cells = _cells(line)
    try:
        values = {name: cells[place] for name, place in places.items()}
        told = new_york_date(int(values["window_start"]) // NS_PER_MS)
    except (IndexError, ValueError, OverflowError, OSError) as error:
        raise InvalidRecord("shape", f"{type(error).__name__}: {error}") from error
    if told != day:
        raise InvalidRecord("day", f"must be {day}, was {told}")
    prices = (values["open"], values["high"], values["low"], values["close"])
    return daily_bar(values["ticker"], day, Texts(*prices, volume=values["volume"], count=values["transactions"]))
