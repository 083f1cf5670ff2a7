"""The vendor's socket: what ends a connection, what must not end the feed, and what must."""

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from local_dev.vendor.settings import VendorSettings
from shared.errors import AccessRefused
from speed_layer.ingest import socket as module
from tests.unit.local_dev.vendor.support import record, serving, trade
from tests.unit.speed_layer.ingest.scripted import (
    Listener,
    Vendor,
    accept,
    open_vendor,
    reset,
    running,
    status,
    stay,
    until,
)


class Jitter:
    """Stands for `random`: notes how long a wait might have been, and does not wait."""

    def __init__(self) -> None:
        self.limits: list[float] = []

    def uniform(self, low: float, high: float) -> float:
        assert low == 0
        self.limits.append(high)
        return 0.0


@pytest.fixture
def jitter(monkeypatch: pytest.MonkeyPatch) -> Jitter:
    jitter = Jitter()
    monkeypatch.setattr(module, "random", jitter)
    return jitter


@pytest.mark.fault("F01")
def test_a_connection_that_is_reset_again_and_again_is_made_again_further_and_further_apart(jitter: Jitter) -> None:
    async def play() -> None:
        listener = Listener()
        async with open_vendor(Vendor(reset)) as vendor, running(vendor.url, listener, "T.A", "T.B") as feed:
            await until(lambda: vendor.connections >= 12 and len(jitter.limits) >= 11, feed)
        assert vendor.asked[:11] == [["T.A", "T.B"]] * 11, "each connection asks for every channel"
        assert jitter.limits[:11] == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30]
        assert listener.said[:4] == ["up", "down", "up", "down"]

    asyncio.run(play())


@pytest.mark.fault("F01")
def test_after_a_healthy_connection_the_next_is_made_soon(jitter: Jitter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEALTHY_AFTER_S", 0.05)

    async def healthy(socket: ServerConnection) -> None:
        await asyncio.sleep(0.1)
        await reset(socket)

    async def play() -> None:
        scenes = (reset, reset, reset, healthy, reset)
        async with open_vendor(Vendor(*scenes)) as vendor, running(vendor.url, Listener()) as feed:
            await until(lambda: len(jitter.limits) >= 5, feed)
        assert jitter.limits[:5] == [0.25, 0.5, 1, 0.25, 0.5]

    asyncio.run(play())


@pytest.mark.fault("F01")
def test_a_port_that_nobody_listens_on_is_tried_until_somebody_does(jitter: Jitter) -> None:
    async def play() -> None:
        async with open_vendor(Vendor(stay)) as closed:
            url = closed.url
        async with running(url, Listener()) as feed:
            await until(lambda: len(jitter.limits) >= 3, feed)
            assert not feed.done()

    asyncio.run(play())


@pytest.mark.fault("F02")
@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012])
def test_a_clean_close_is_a_lost_connection_and_no_end(code: int, jitter: Jitter) -> None:
    closed = []

    async def close(socket: ServerConnection) -> None:
        await socket.close(code)
        closed.append(socket.close_code)

    async def play() -> None:
        listener = Listener()
        async with open_vendor(Vendor(close, close, stay)) as vendor, running(vendor.url, listener) as feed:
            await until(lambda: listener.ups() == 3, feed)
        assert closed == [code, code]

    asyncio.run(play())


class Hole:
    """A proxy in front of a vendor; `open` lets nothing through any more, and says nothing of it."""

    def __init__(self, port: int) -> None:
        self.port, self.open, self.connections = port, False, 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.port)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65_536):
                if not self.open:
                    sink.write(data)

        pumps = [asyncio.create_task(pump(reader, up_writer)), asyncio.create_task(pump(up_reader, writer))]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for end in (writer, up_writer):
            end.close()


@pytest.mark.fault("F03")
@pytest.mark.parametrize("answered", [0, 3], ids=["at once", "after pings that were answered"])
def test_a_peer_that_is_gone_without_a_word_is_found(
    answered: int, jitter: Jitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 2 * module.PING_S <= 12
    monkeypatch.setattr(module, "PING_S", 0.1)

    async def play() -> None:
        listener = Listener()
        async with open_vendor(Vendor(stay)) as vendor:
            hole = Hole(int(vendor.url.rpartition(":")[2]))
            async with await asyncio.start_server(hole.serve, "127.0.0.1", 0) as proxy:
                url = f"ws://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
                async with running(url, listener) as feed:
                    await until(lambda: listener.ups() == 1, feed)
                    await asyncio.sleep(0.11 * answered)
                    assert listener.said == ["up"], "pings that are answered keep the connection"
                    hole.open = True
                    await until(lambda: "down" in listener.said, feed)
                    hole.open = False
                    await until(lambda: listener.ups() == 2, feed)

    asyncio.run(play())


@pytest.mark.fault("F04")
@pytest.mark.parametrize(
    "chatter",
    ["", status("success", "still here"), json.dumps([{"ev": "T", "sym": "QUIET"}])],
    ids=["no frame", "frames without trades", "trades of a quiet symbol"],
)
def test_a_silent_feed_is_connected_anew(chatter: str, jitter: Jitter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PING_S", 0.05)
    monkeypatch.setattr(module, "ASK_S", 0.05)

    async def speak(socket: ServerConnection) -> None:
        while socket.close_code is None:
            await asyncio.sleep(0.02)
            if chatter:
                await socket.send(chatter)

    async def play() -> None:
        listener = Listener()
        async with open_vendor(Vendor(speak)) as vendor, running(vendor.url, listener) as feed:
            await until(lambda: listener.ups() == 1, feed)
            await asyncio.sleep(0.2)
            assert listener.said == ["up"]
            listener.silent = True
            await until(lambda: listener.ups() == 2, feed)

    asyncio.run(play())


@pytest.mark.fault("F06")
@pytest.mark.parametrize("handshake", [True, False], ids=["while it runs", "in the handshake"])
def test_who_is_told_that_another_has_its_place_goes_and_does_not_come_back(handshake: bool, jitter: Jitter) -> None:
    async def evict(socket: ServerConnection) -> None:
        await socket.send(status("max_connections", "Maximum number of connections exceeded."))
        await socket.close(1008)

    async def play() -> None:
        async with (
            open_vendor(Vendor(evict, handshake=handshake)) as vendor,
            running(vendor.url, Listener()) as feed,
            asyncio.timeout(5),
        ):
            with pytest.raises(AccessRefused, match="another connection"):
                await feed
            await asyncio.sleep(0.05)
        assert vendor.connections == 1

    asyncio.run(play())


@pytest.mark.fault("F06")
def test_of_two_with_one_key_the_newer_stays_and_nobody_plays_ping_pong(tmp_path: Any) -> None:
    async def play() -> None:
        path = record(tmp_path / "day.jsonl", [trade(n) for n in range(2_000)])
        async with serving(path, VendorSettings(speed=1)) as server:
            url = f"ws://127.0.0.1:{server.port}/stocks"
            old, new = Listener(), Listener()
            async with running(url, old) as first:
                await until(lambda: old.ups() == 1, first)
                async with running(url, new) as second:
                    with pytest.raises(AccessRefused):
                        await first
                    await until(lambda: any(one["ev"] == "T" for one in new.frames), second)
                    await asyncio.sleep(0.5)
                    assert (old.ups(), new.said) == (1, ["up"])

    asyncio.run(play())


async def refuse(socket: ServerConnection) -> None:
    await socket.send(status("connected"))
    await socket.recv()
    await socket.send(status("auth_failed", "authentication failed"))
    await socket.close(1008)


@pytest.mark.fault("F07")
def test_a_key_that_was_never_good_ends_the_feed_at_once(jitter: Jitter) -> None:
    async def play() -> None:
        async with open_vendor(Vendor(refuse, handshake=False)) as vendor, running(vendor.url, Listener()) as feed:
            with pytest.raises(AccessRefused, match="POLYGON_API_KEY"):
                await asyncio.wait_for(feed, 5)
        assert vendor.connections == 1

    asyncio.run(play())


@pytest.mark.fault("F07")
@pytest.mark.parametrize("recovers", [True, False])
def test_a_key_that_was_good_gets_one_more_chance_a_minute_later(
    recovers: bool, jitter: Jitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REFUSED_AGAIN_S", 0.2)
    times: list[float] = []

    async def note_and_refuse(socket: ServerConnection) -> None:
        times.append(asyncio.get_running_loop().time())
        await refuse(socket)

    async def play() -> None:
        async def good(socket: ServerConnection) -> None:
            await accept(socket)
            await (stay if times else reset)(socket)

        listener = Listener()
        vendor = Vendor(good, note_and_refuse, good if recovers else note_and_refuse, handshake=False)
        async with open_vendor(vendor), running(vendor.url, listener) as feed:
            if recovers:
                await until(lambda: listener.ups() == 2, feed)
            else:
                with pytest.raises(AccessRefused):
                    await asyncio.wait_for(feed, 5)
                assert times[1] - times[0] >= 0.2
                assert vendor.connections == 3

    asyncio.run(play())


async def grant(socket: ServerConnection, granted: set[str]) -> None:
    """Answer each channel, as the vendor does, with `success` or `error`."""
    await socket.send(status("connected"))
    await socket.recv()
    await socket.send(status("auth_success"))
    for channel in ("T.A", "T.NOPE", "T.B"):
        name, word = ("success", "subscribed") if channel in granted else ("error", "not authorized to subscribe")
        await socket.send(status(name, f"{word} to: {channel}"))
    await socket.wait_closed()


@pytest.mark.fault("F08")
@pytest.mark.parametrize("granted", [{"T.A", "T.B"}, {"T.B"}])
def test_channels_that_are_refused_keep_no_other_from_coming(granted: set[str], jitter: Jitter) -> None:
    async def play() -> None:
        listener = Listener()
        vendor = Vendor(lambda socket: grant(socket, granted), handshake=False)
        async with open_vendor(vendor), running(vendor.url, listener, "T.A", "T.NOPE", "T.B") as feed:
            await until(lambda: len(listener.frames) == 3, feed)
            assert listener.ups() == 1

    asyncio.run(play())


@pytest.mark.fault("F08")
def test_a_feed_that_is_granted_nothing_ends(jitter: Jitter) -> None:
    async def play() -> None:
        vendor = Vendor(lambda socket: grant(socket, set()), handshake=False)
        async with open_vendor(vendor), running(vendor.url, Listener(), "T.A", "T.NOPE", "T.B") as feed:
            with pytest.raises(AccessRefused, match="none of the channels"):
                await asyncio.wait_for(feed, 5)
        assert vendor.connections == 1

    asyncio.run(play())
