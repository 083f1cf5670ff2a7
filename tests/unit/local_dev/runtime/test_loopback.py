"""This machine is asked directly, though the environment names a proxy that leads nowhere."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from local_dev.runtime.loopback import ask, proxy_for
from local_dev.runtime.servers import free_port


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/there" else 503)
        self.end_headers()
        self.wfile.write(b"from this machine")


@pytest.fixture
def url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_proxy_of_the_environment_is_not_asked(url: str, proxy_to_nowhere: None) -> None:
    assert ask(f"{url}/there") == b"from this machine"


def test_an_answer_that_is_a_failure_and_no_answer_are_errors(url: str) -> None:
    with pytest.raises(OSError, match="503"):
        ask(f"{url}/away")
    with pytest.raises(OSError, match="refused"):
        ask(f"http://127.0.0.1:{free_port()}/there")


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "127.9.9.9", "localhost:8000", "LOCALHOST", "[::1]:8000"])
def test_a_socket_to_this_machine_takes_no_proxy(host: str) -> None:
    assert proxy_for(f"ws://{host}/stocks") is None


@pytest.mark.parametrize("host", ["market.example", "10.0.0.1:8000", "localhost.example", "[2001:db8::1]"])
def test_a_socket_to_another_one_takes_the_proxy_that_there_is(host: str) -> None:
    assert proxy_for(f"wss://{host}/stocks") is True
