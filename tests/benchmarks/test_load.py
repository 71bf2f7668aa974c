"""The load generator counts real answers only."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.load import Target, UnexpectedAnswer, run


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str | None]] = []

    def do_GET(self):
        self.seen.append((self.path, self.headers["X-API-Key"]))
        body = b"x" * 70_000 if self.path == "/long" else b"ok"
        self.send_response(503 if self.path == "/broken" else 200)
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            body = b"2\r\nok\r\n0\r\n\r\n"
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Say nothing."""


class Server(ThreadingHTTPServer):
    def handle_error(self, *arguments):
        """A client that leaves in the middle of an answer is what the generator does."""


@pytest.fixture
def port():
    server = Server(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    Answers.seen.clear()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_it_counts_the_answers_the_server_gave(port):
    load = run(Target(port, "/x", {"X-API-Key": "secret"}), seconds=0.2, connections=3)
    assert load.requests > 3
    assert load.requests <= len(Answers.seen) <= load.requests + 3
    assert set(Answers.seen) == {("/x", "secret")}
    assert load.per_second == pytest.approx(load.requests / load.seconds)
    assert load.own_share > 0


@pytest.mark.parametrize("path", ["/long", "/chunked"])
def test_an_answer_is_read_to_its_end(port, path):
    load = run(Target(port, path), seconds=0.1, connections=2)
    assert load.requests > 2
    assert len(Answers.seen) <= load.requests + 2


def test_another_status_ends_the_run(port):
    with pytest.raises(UnexpectedAnswer, match="503"):
        run(Target(port, "/broken"), seconds=1, connections=2)
    assert run(Target(port, "/broken", status=503), seconds=0.1, connections=2).requests > 2
