"""Each request is counted once, by method, route and status, with its id as the exemplar."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory
from django.urls import ResolverMatch

from core.metrics import middleware
from core.metrics.middleware import REFUSED, UNMATCHED, RequestMetrics
from core.metrics.recorder import OTHER, Cell, recorder
from core.metrics.standard import REQUEST_DURATION, REQUEST_ERRORS, SERVER_ERRORS
from tests.nexus.test_bridge import asked as sent
from tests.nexus.test_bridge import scope, serves

pytestmark = pytest.mark.django_db


def cells(instrument) -> dict[tuple[str, ...], Cell]:
    found: dict[tuple[str, ...], Cell] = {}
    for minute in recorder.snapshot():
        for (name, labels), cell in minute.cells.items():
            if name == instrument.name:
                found[labels] = cell
    return found


def requests() -> dict[tuple[str, ...], int]:
    return {labels: cell.count for labels, cell in cells(REQUEST_DURATION).items()}


def errors() -> dict[str, float]:
    return {status: cell.sum for (status,), cell in cells(REQUEST_ERRORS).items()}


def asked(view, *, method: str = "GET", route: str | None = "x/<int:number>"):
    """One request through the middleware alone, to a view."""

    def get_response(request):
        if route is not None:
            request.resolver_match = ResolverMatch(view, (), {}, route=route)
        return view(request)

    return RequestMetrics(get_response)(RequestFactory().generic(method, "/x/1"))


class TestThroughTheStack:
    def test_the_api_is_counted_by_route(self, make_key):
        client = Client(headers={"X-API-Key": make_key()})
        for number in range(3):
            assert client.get(f"/api/v1/tasks/task_{number:026}").status_code == 404
        assert client.post("/api/v1/keys", "{", content_type="application/json").status_code == 400
        assert requests() == {
            ("GET", "api/v1/tasks/<str:task_id>", "404"): 3,
            ("POST", "api/v1/keys", "400"): 1,
        }
        assert errors() == {"404": 3, "400": 1}

    def test_so_is_the_admin(self, client):
        assert client.get("/admin/login/").status_code == 200
        assert client.get("/admin/processes/process/").status_code == 302
        assert requests() == {
            ("GET", "admin/login/", "200"): 1,
            ("GET", "admin/processes/process/", "302"): 1,
        }
        assert errors() == {}

    def test_addresses_that_nobody_serves_have_one_route(self, client):
        for path in ("/api/v1/no", "/api/v1/such", "/thing", "/api/v1/health" + "x" * 500):
            assert client.get(path).status_code == 404
        assert requests() == {("GET", UNMATCHED, "404"): 4}

    def test_the_exemplar_is_the_id_of_the_request(self, client):
        answer = client.get("/api/v1/health/live", headers={"X-Request-ID": "of-the-client-1"})
        assert answer.headers["X-Request-ID"] == "of-the-client-1"
        [cell] = cells(REQUEST_DURATION).values()
        assert cell.exemplar[1] == "of-the-client-1"

    def test_a_view_that_raises_is_a_server_error(self, client, monkeypatch):
        def broken(*args, **kwargs):
            raise RuntimeError("broken")

        monkeypatch.setattr("django.contrib.auth.views.LoginView.dispatch", broken)
        client.raise_request_exception = False
        assert client.get("/admin/login/").status_code == 500
        assert errors() == {"500": 1}
        assert cells(SERVER_ERRORS)[()].sum == 1


def test_it_asks_the_database_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        asked(lambda request: HttpResponse())
    assert requests() == {("GET", "x/<int:number>", "200"): 1}


def test_methods_that_nobody_knows_have_one_name():
    for method in ("BREW", "GETS", "X" * 1000):
        asked(lambda request: HttpResponse(), method=method)
    assert requests() == {(OTHER, "x/<int:number>", "200"): 3}


def test_an_exception_that_escapes_is_counted():
    for error in (RuntimeError, SystemExit):
        with pytest.raises(error):
            asked(lambda request, error=error: (_ for _ in ()).throw(error()), route=None)
    assert requests() == {("GET", UNMATCHED, "500"): 2}
    assert errors() == {"500": 2}


def test_an_answer_in_pieces_is_counted_when_the_first_is_there(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(middleware, "perf_counter", lambda: now[0])

    def pieces() -> Iterator[bytes]:
        now[0] += 2
        yield b"first"
        now[0] += 50
        yield b"second"

    answer = asked(lambda request: StreamingHttpResponse(pieces()))
    assert requests() == {}
    assert list(answer) == [b"first", b"second"]
    answer.close()
    [cell] = cells(REQUEST_DURATION).values()
    assert (cell.count, cell.sum) == (1, 2.0)


@pytest.mark.parametrize("given", [[], [b"never read"]], ids=["empty", "client leaves"])
def test_an_answer_without_pieces_is_counted_at_its_end(given):
    answer = asked(lambda request: StreamingHttpResponse(iter(given)))
    answer.close()
    answer.close()
    assert list(requests().values()) == [1]


def test_an_answer_whose_first_piece_fails_is_counted():
    def pieces() -> Iterator[bytes]:
        raise OSError("the disk")
        yield b""

    answer = asked(lambda request: StreamingHttpResponse(pieces()))
    with pytest.raises(OSError, match="disk"):
        list(answer)
    assert list(requests().values()) == [1]


def test_it_goes_on_closing_what_the_view_streams():
    closed = []

    class Pieces:
        def __iter__(self):
            return iter([b"x"])

        def close(self):
            closed.append(True)

    answer = asked(lambda request: StreamingHttpResponse(Pieces()))
    assert list(answer) == [b"x"]
    answer.close()
    assert closed == [True]


def test_what_the_server_refuses_by_itself_is_counted():
    application = serves(lambda environ: HttpResponse())
    start, _ = sent(application, scope("POST", (b"content-length", b"99999999")))
    assert (start["status"], requests()) == (413, {("POST", REFUSED, "413"): 1})
    assert errors() == {"413": 1}
    [cell] = cells(REQUEST_DURATION).values()
    assert (b"x-request-id", cell.exemplar[1].encode()) in start["headers"]


def test_so_is_what_finds_no_place_to_wait():
    application = serves(lambda environ: HttpResponse())
    application.limit = 0
    start, _ = sent(application, scope("GET"))
    assert (start["status"], requests()) == (503, {("GET", REFUSED, "503"): 1})
    assert cells(SERVER_ERRORS)[()].sum == 1
