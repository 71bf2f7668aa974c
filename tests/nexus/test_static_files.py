"""Static files: compressed, kept by browsers, and only those below the root."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from nexus.static_files import StaticFiles

TEXT = b"body { color: red }\n" * 200


@pytest.fixture
def files(tmp_path) -> StaticFiles:
    root = tmp_path / "static"
    root.mkdir()
    (root / "page.0123456789ab.css").write_bytes(TEXT)
    (root / "page.css").write_bytes(TEXT)
    (root / "font.woff2").write_bytes(bytes(range(256)))
    (tmp_path / "secret").write_text("secret")
    return StaticFiles(root)


def get(files: StaticFiles, path: str, *, encoding: str = "gzip, br", method: str = "GET"):
    sent: list[dict] = []

    async def send(message) -> None:
        sent.append(message)

    headers = [(b"accept-encoding", encoding.encode())]
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    asyncio.run(files(scope, None, send))
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def test_text_is_compressed_for_those_who_take_it(files):
    status, headers, body = get(files, "/static/page.css")
    assert (status, headers[b"content-encoding"]) == (200, b"gzip")
    assert gzip.decompress(body) == TEXT
    assert int(headers[b"content-length"]) == len(body) < len(TEXT) / 10


@pytest.mark.parametrize("encoding", ["", "br", "gzip;q=0"])
def test_others_get_it_plain(files, encoding):
    _, headers, body = get(files, "/static/page.css", encoding=encoding)
    assert b"content-encoding" not in headers
    assert body == TEXT


def test_fonts_are_sent_as_they_are(files):
    _, headers, body = get(files, "/static/font.woff2")
    assert b"content-encoding" not in headers
    assert (headers[b"content-type"], len(body)) == (b"font/woff2", 256)


def test_only_hashed_names_are_kept_for_a_year(files):
    assert b"immutable" in get(files, "/static/page.0123456789ab.css")[1][b"cache-control"]
    assert get(files, "/static/page.css")[1][b"cache-control"] == b"no-cache"


@pytest.mark.parametrize("path", ["/static/none.css", "/static/../secret", "/static//etc/passwd",
                                  "/static/", "/static/page.css/x", "/static/a\0b"])  # fmt: skip
def test_what_is_not_a_file_below_the_root_is_not_found(files, path):
    assert get(files, path)[0] == 404


def test_only_reading_is_allowed(files):
    assert get(files, "/static/page.css", method="POST")[0] == 405
    status, headers, body = get(files, "/static/page.css", method="HEAD")
    assert (status, body) == (200, b"")
    assert int(headers[b"content-length"]) > 0
