"""`condvest watch` against a `/stocks` that acts out what a platform may do; a run ends with Ctrl-C, or by itself."""

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from local_dev.cli import live_client, running, watch_screen
from local_dev.cli.main import main
from local_dev.runtime.state import Source, open_state
from tests.unit.local_dev.cli.fake_stocks import KEY, Client, FakeStocks, interrupt, shown, stocks

AT_MS = 1_381_239_001_000  # 2013-10-08 09:30:01 in New York
TRADE = {"ev": "T", "sym": "AIG", "x": 4, "i": "1", "z": 1, "p": 45.10, "s": 100, "t": AT_MS, "q": 7}
SECOND = {
    "ev": "A",
    "sym": "AIG",
    "v": 100,
    "av": 12300,
    "o": 45,
    "c": 45,
    "h": 45,
    "l": 45,
    "s": AT_MS,
    "e": AT_MS + 1000,
}
MINUTE = {
    "ev": "AM",
    "sym": "AIG",
    "v": 900,
    "dv": "900.5",
    "av": 12400,
    "o": 45,
    "h": 45.2,
    "l": 44.9,
    "c": 45.15,
    "s": AT_MS - 61_000,
    "e": AT_MS - 1_000,
}
BUY = {"ev": "S", "sym": "AIG", "id": "a", "strategy": "ema_channel", "tf": "1m", "t": AT_MS - 61_000, "side": "buy"}


class Terminal(NamedTuple):
    out: io.StringIO
    err: io.StringIO


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """What the command writes, readable while it runs; and a command that does not take its time."""
    monkeypatch.setattr(watch_screen, "LINES_SECONDS", 0.01)
    monkeypatch.setattr(watch_screen, "TABLE_SECONDS", 0.01)
    monkeypatch.setattr(live_client, "FIRST_WAIT_S", 0.02)
    return Terminal(io.StringIO(), io.StringIO())


@pytest.fixture
def colour_terminal(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """One of 140 columns and 10 rows, on which a table can change in place."""
    monkeypatch.setattr(terminal.out, "isatty", lambda: True, raising=False)
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "140", "LINES": "10"}.items():
        monkeypatch.setenv(name, value)
    return terminal


def condvest(terminal: Terminal, *arguments: str) -> int:
    with redirect_stdout(terminal.out), redirect_stderr(terminal.err):
        return main(list(arguments))


def watch(terminal: Terminal, fake: FakeStocks, *arguments: str, symbols: str = "AIG") -> int:
    return condvest(terminal, "watch", symbols, "--url", fake.url, "--for", "30", *arguments)


def test_a_trade_its_change_the_day_the_minute_and_the_signal_are_one_line(terminal: Terminal) -> None:
    async def script(client: Client) -> None:
        assert set((await client.log_in()).split(",")) == {"T.AIG", "A.AIG", "AM.AIG", "S.AIG"}
        await shown(terminal.err, "connected to")
        await client.send(TRADE, SECOND, MINUTE, {**BUY, "status": "active", "p": 45.2, "k": AT_MS})
        line = "09:30:01 AIG 45.10 x 100 | +0.10 (+0.22%) | day 12,300 | 09:29 45.00 45.20 44.90 45.15 v 900"
        await shown(terminal.out, f"{line} | buy ema_channel 1m 09:29\n")
        interrupt()

    with stocks(script) as fake:
        assert watch(terminal, fake) == 0
    assert "\x1b" not in terminal.out.getvalue()


def test_a_platform_of_this_machine_is_watched_past_a_proxy_of_the_environment(
    terminal: Terminal, proxy_to_nowhere: None
) -> None:
    async def script(client: Client) -> None:
        await client.log_in()
        interrupt()

    with stocks(script) as fake:
        assert watch(terminal, fake) == 0
    assert fake.connections == 1
    assert "again in" not in terminal.err.getvalue()


def test_only_symbols_with_news_are_shown_again(terminal: Terminal) -> None:
    async def script(client: Client) -> None:
        await client.log_in()
        await client.send(TRADE, {**TRADE, "sym": "BAC"})
        await shown(terminal.out, " AIG 45.10 ", " BAC 45.10 ")
        await client.send({**TRADE, "p": 45.2, "q": 8})
        await shown(terminal.out, " AIG 45.20 ")
        interrupt()

    with stocks(script) as fake:
        assert watch(terminal, fake, symbols="AIG,BAC") == 0
    assert terminal.out.getvalue().count(" BAC ") == 1


def test_a_star_watches_whatever_comes(terminal: Terminal) -> None:
    async def script(client: Client) -> None:
        assert set((await client.log_in()).split(",")) == {"T.*", "A.*", "AM.*", "S.*"}
        await client.send({**TRADE, "sym": "BRK.A"})
        await shown(terminal.out, " BRK.A 45.10 x 100")
        interrupt()

    with stocks(script) as fake:
        assert watch(terminal, fake, symbols="*") == 0
        assert "tickers=" in "".join(fake.asked)


@pytest.mark.parametrize("way", ["restart", "cut", "going away", "slow consumer"])
def test_after_any_drop_it_says_so_connects_again_and_goes_on(way: str, terminal: Terminal) -> None:
    words = {"restart": "closed with 1012 (service restart)", "going away": "closed with 1001"}

    async def drops(client: Client) -> None:
        await client.log_in()
        await client.send(TRADE)
        await shown(terminal.out, "AIG 45.10 ")
        if way == "cut":
            client.cut()
        elif way == "slow consumer":
            await client.status("slow_consumer", "too far behind")
            await client.close(1012)
        else:
            await client.close(1012 if way == "restart" else 1001)

    async def goes_on(client: Client) -> None:
        await client.log_in()
        await client.send({**TRADE, "p": 45.25, "q": 8})
        await shown(terminal.out, "AIG 45.25 ")
        interrupt()

    with stocks(drops, goes_on) as fake:
        assert watch(terminal, fake) == 0
        assert fake.connections == 2
    said = terminal.err.getvalue()
    assert f"not connected: {words.get(way, '')}" in said
    assert said.count("connected to http") == 2
    assert ("slow_consumer: too far behind" in said) is (way == "slow consumer")


def test_a_drop_in_the_middle_of_the_handshake_loses_no_subscription(terminal: Terminal) -> None:
    async def drops_early(client: Client) -> None:
        await client.status("connected")
        await client.said()
        await client.close(1011)

    async def goes_on(client: Client) -> None:
        assert "T.AIG" in await client.log_in()
        await client.send(TRADE)
        await shown(terminal.out, "AIG 45.10 ")
        interrupt()

    with stocks(drops_early, goes_on) as fake:
        assert watch(terminal, fake) == 0


def test_a_platform_that_is_slow_to_start_is_waited_for(terminal: Terminal) -> None:
    async def script(client: Client) -> None:
        await client.log_in()
        await client.send(TRADE)
        await shown(terminal.out, "AIG 45.10 ")
        interrupt()

    with stocks(script, door=(503, 503), after=lambda: terminal.err.getvalue().count("not connected") >= 2) as fake:
        assert watch(terminal, fake) == 0
    said = terminal.err.getvalue()
    assert "does not answer" in said
    assert said.count("503 (the push service is not up)") == 2


def test_a_refused_key_is_one_sentence_and_exit_code_2(terminal: Terminal) -> None:
    async def refuses(client: Client) -> None:
        await client.status("connected")
        key = await client.said()
        await client.status("auth_failed", f"authentication failed for {key}")

    with stocks(refuses) as fake:
        assert watch(terminal, fake, "--key", "cv_wrong") == 2
    said = terminal.err.getvalue()
    assert "the key was refused (authentication failed for ***)" in said
    assert "cv_wrong" not in said
    assert said.count("\n") == 1


def test_a_key_that_is_refused_at_the_door_is_no_reason_to_try_again(terminal: Terminal) -> None:
    with stocks(door=(403,)) as fake:
        assert watch(terminal, fake, "--key", "cv_wrong") == 2
    assert "the key was refused (status 403)" in terminal.err.getvalue()


def test_it_ends_by_itself_when_the_time_is_over(terminal: Terminal) -> None:
    async def script(client: Client) -> None:
        await client.log_in()

    with stocks(script) as fake:
        assert condvest(terminal, "watch", "AIG", "--url", fake.url, "--for", "2") == 0
    assert "connected to" in terminal.err.getvalue()


def test_a_time_in_which_nothing_could_be_watched_is_a_failure(terminal: Terminal) -> None:
    assert condvest(terminal, "watch", "AIG", "--url", "http://127.0.0.1:1", "--for", "0.2") == 1
    assert "nothing could be watched within 0.2 s" in terminal.err.getvalue()


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf"])
def test_a_time_that_is_none_is_refused(seconds: str, terminal: Terminal) -> None:
    assert condvest(terminal, "watch", "AIG", f"--for={seconds}", "--url", "http://127.0.0.1:1") == 2
    assert "--for" in terminal.err.getvalue()


def test_a_route_that_is_not_there_is_said_and_prices_come_all_the_same(terminal: Terminal) -> None:
    async def script(client: Client) -> None:
        await client.log_in()
        await client.send(TRADE)
        await shown(terminal.out, "AIG 45.10 x 100\n")
        await shown(terminal.err, "signals not known: not found (404)")
        interrupt()

    with stocks(script) as fake:
        fake.answers = {"/v1/health": fake.answers["/v1/health"]}
        assert watch(terminal, fake) == 0


def test_the_running_platform_of_the_state_folder_is_found(terminal: Terminal, tmp_path: Path) -> None:
    async def script(client: Client) -> None:
        await client.log_in()
        interrupt()

    state = open_state(tmp_path, Source("none"), fresh=False)
    with stocks(script) as fake:
        running.note(tmp_path, running.Address(fake.url, KEY))
        assert condvest(terminal, "watch", "AIG", "--state", str(tmp_path), "--for", "30") == 0
        assert fake.connections == 1
    state.close()


def test_without_a_platform_it_says_how_to_start_one(terminal: Terminal, tmp_path: Path) -> None:
    assert condvest(terminal, "watch", "AIG", "--state", str(tmp_path / "state")) == 2
    assert "condvest up" in terminal.err.getvalue()
    assert not (tmp_path / "state").exists()


def test_a_terminal_gets_a_table_that_says_simulated(colour_terminal: Terminal) -> None:

    async def script(client: Client) -> None:
        await client.log_in()
        await client.send(TRADE, SECOND)
        await shown(
            colour_terminal.out, "SIMULATED", "+0.22", "12,300", "09:30:01", "connected to", "buy macd_cross 5m 09:25"
        )
        interrupt()

    with stocks(script) as fake:
        assert watch(colour_terminal, fake) == 0
    assert colour_terminal.err.getvalue() == ""


def test_more_symbols_than_rows_are_counted(colour_terminal: Terminal) -> None:
    many: list[dict[str, Any]] = [{**TRADE, "sym": f"S{number:02}"} for number in range(30)]

    async def script(client: Client) -> None:
        await client.log_in()
        await client.send(*many)
        await shown(colour_terminal.out, "S00", "27 more symbols below")  # AIG of the snapshot is the first of 31
        interrupt()

    with stocks(script) as fake:
        assert watch(colour_terminal, fake, symbols="*") == 0
    assert "S29" not in colour_terminal.out.getvalue()


@pytest.mark.parametrize(
    ("columns", "there", "left_out"),
    [
        ("150", "09:29 45.00 45.20 44.90 45.15 v 900", "…"),
        ("124", "09:29 45.15 v 900", "…"),
        ("96", "12,300", "v 900"),
        ("80", "buy ema_channel 1m 09:29", "12,300"),
    ],
)
def test_a_narrow_terminal_gets_fewer_columns_but_whole_ones(
    columns: str, there: str, left_out: str, colour_terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)

    async def script(client: Client) -> None:
        await client.log_in()
        await client.send(TRADE, MINUTE, SECOND, BUY)
        await shown(colour_terminal.out, there, "45.10", "+0.22", "buy ema_channel 1m 09:29", "09:30:01")
        interrupt()

    with stocks(script) as fake:
        assert watch(colour_terminal, fake) == 0
    assert left_out not in colour_terminal.out.getvalue()
