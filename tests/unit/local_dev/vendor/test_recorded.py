"""The recorded market data, sent and read back whole."""

import asyncio
import gzip
from pathlib import Path

from polygon import RESTClient  # type: ignore[import-untyped]  # it ships no type information

from local_dev.vendor.recording import load
from local_dev.vendor.server import VendorServer
from local_dev.vendor.settings import VendorSettings
from tests.unit.local_dev.vendor.support import client, serving_beside, wait_until


def test_every_recorded_line_arrives_once_in_the_order_of_its_file(tmp_path: Path, recorded_trades: list[Path]) -> None:
    """Lines are compared by symbol: files of one symbol follow one another, symbols interleave."""
    some = [file for file in recorded_trades if "2013-10-07" in file.name or file.name.startswith("AIG_2013-10-08")]
    for file in some:
        (tmp_path / file.name).symlink_to(file)

    async def listen() -> list[bytes]:
        frames: list[bytes] = []
        server = VendorServer(load(tmp_path), VendorSettings(speed=None, hold=True))
        async with asyncio.timeout(120), server, client(server) as user:
            await user.login("T.*")
            while not frames or b"feed_ended" not in frames[-1]:
                frames.append(await user.socket.recv(decode=False))
        return frames[:-1]

    frames = asyncio.run(listen())
    assert max(map(len, frames)) < 500_000
    received = b",".join(frame[1:-1] for frame in frames).replace(b"},{", b"}\n{").splitlines()
    for symbol in (b"AIG", b"BAC", b"SPY"):
        files = [gzip.decompress(file.read_bytes()) for file in some if file.name.startswith(symbol.decode())]
        assert b"\n".join(line for line in received if line[17:20] == symbol) + b"\n" == b"".join(files)


def test_a_recorded_day_read_through_the_official_client_is_the_recorded_day(recorded_trades: list[Path]) -> None:
    file = next(path for path in recorded_trades if path.name.startswith("AIG_2013-10-07"))
    with serving_beside(file, VendorSettings(speed=None)) as server:
        wait_until(lambda: server.feed.ended)
        trades = RESTClient(api_key="any", base=server.url).list_trades("AIG", order="asc", limit=10_000)
        ids = [(trade.id, trade.sequence_number) for trade in trades]
    assert ids == [(str(number), number) for number in range(1, 25_352)]
