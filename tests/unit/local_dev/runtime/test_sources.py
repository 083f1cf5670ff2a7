from pathlib import Path

from local_dev.runtime.sources import Endpoints, FeedSource, Recorded, Simulated, Vendor


def options(argv: tuple[str, ...]) -> dict[str, str]:
    """Names and values of a command line after `-m module`; a switch has the next name for a value."""
    assert argv[1] == "-m"
    rest = argv[3:]
    return {name: rest[place + 1] if place + 1 < len(rest) else "" for place, name in enumerate(rest) if name[0] == "-"}


def test_a_recording_is_served_from_its_path_at_its_speed_and_held() -> None:
    argv = Recorded(Path("/data"), "max").server(4000, None)
    assert argv[2] == "local_dev.vendor"
    given = options(argv)
    assert (given["--data"], given["--speed"], given["--port"]) == ("/data", "max", "4000")
    assert "--hold" in given
    assert "--from-ms" not in given


def test_a_feed_that_goes_on_says_from_where() -> None:
    for source in (Recorded(Path("/data"), "1"), Simulated("1")):
        assert options(source.server(4000, 123))["--from-ms"] == "123"


def test_the_simulated_market_is_the_same_for_everybody_who_gives_no_seed() -> None:
    assert options(Simulated("1").server(4000, None))["--seed"] == options(Simulated("9").server(1, None))["--seed"]
    assert options(Simulated("1", seed=7).server(4000, None))["--seed"] == "7"


def test_only_at_its_own_pace_does_the_simulated_market_keep_the_hosts_time() -> None:
    assert [Simulated(speed).live for speed in ("1", "1.0", "2", "0.5")] == [True, True, False, False]
    assert not Recorded(Path("/data"), "1").live


def test_ours_listen_on_this_machine_alone() -> None:
    given = Simulated("1").endpoints(4000)
    assert (given.socket_url, given.rest_url) == ("ws://127.0.0.1:4000/stocks", "http://127.0.0.1:4000")


def test_nothing_of_ours_serves_the_vendors_feed() -> None:
    theirs = Endpoints("wss://vendor/stocks", "https://vendor", "secret")
    source: FeedSource = Vendor(theirs)
    assert source.server(4000, 123) is None
    assert source.endpoints(4000) == theirs
    assert (source.live, source.endless) == (True, True)
