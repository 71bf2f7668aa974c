"""`manage.py metrics`."""

from __future__ import annotations

import csv
import io
import json
import os
from datetime import timedelta
from functools import partial

import pytest
from django.db import OperationalError
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from rich.console import Console

from core import files
from core.commands import duration
from core.metrics.management.commands import metrics as module
from core.metrics.management.commands.metrics import Command
from tests.commands import manage
from tests.metrics import asked, rows
from tests.metrics.asked import REQUESTS, iso

pytestmark = pytest.mark.django_db


@pytest.fixture
def run():
    return partial(manage, "metrics")


def line(out: str, begin: str) -> list[str]:
    [found] = [each for each in out.splitlines() if each.startswith(begin)]
    return found.split()


def test_show_tells_newest_mean_least_and_most(run):
    at = rows.ago(minutes=10)
    asked.write(at)
    rows.write(asked.request_minutes(at + timedelta(minutes=5), good=(0.3,)))
    ran = run("show")
    assert ran.code == 0
    _, newest, mean, least, most, unit, *blocks = line(ran.out, "response_time_ms")
    assert (newest, mean, least, most, unit) == ("400", "300", "200", "400", "ms")
    assert blocks == ["▁", "█"]
    assert line(ran.out, "cpu_usage_percent")[1:6] == ["25.0"] * 4 + ["percent"]


def test_gaps_are_gaps(run):
    asked.write(rows.ago(minutes=10), rows.ago(minutes=4))
    [shown] = [each for each in run("show", "response_time_ms", "--since", "15m").out.splitlines()
               if each.startswith("response_time_ms")]  # fmt: skip
    assert shown.rstrip().endswith("▁     ▁")


def test_show_of_nothing_measured(run):
    ran = run("show")
    assert ran.code == 0
    assert line(ran.out, "requests_per_second")[1:5] == ["\N{EN DASH}"] * 4


@pytest.mark.parametrize("series", ["response_time_p95_ms", "error_percent"])
def test_percentiles_and_shares_have_no_mean(series, run):
    asked.write(rows.ago(minutes=5))
    assert line(run("show", series).out, series)[2] == "\N{EN DASH}"


def test_show_in_groups(run):
    asked.write(rows.ago(minutes=5))
    out = run("show", "response_time_ms", "--group-by", "route").out
    told = [each.split()[:3] for each in out.splitlines() if each.startswith("response_time_ms")]
    assert told == [
        ["response_time_ms", "api/v1/config", "500"],
        ["response_time_ms", "api/v1/status", "100"],
    ]


def test_show_as_json_is_the_document_of_the_api(run, api):
    start, end = rows.ago(hours=2), rows.ago(hours=1)
    asked.write(start, start + timedelta(minutes=7))
    arguments = ("--since", iso(start), "--until", iso(end), "--resolution", "5m", "--json")
    given = {"start_time": iso(start), "end_time": iso(end), "resolution": "5m"}
    told = json.loads(run("show", *arguments).out)
    assert told == api.get("/api/v1/metrics", given).json()["data"]
    assert told["metrics"]["requests_per_second"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("--since", "soon"),
        ("--since", ""),
        ("--since", "-1h"),
        ("--since", "1.5h"),
        ("--since", "9999999999d"),
        ("--since", "99999y"),
        ("--since", "2026-01-31T12:00:00"),
        ("--since", "1h", "--until", "2h"),
        ("--resolution", "2m"),
        ("--since", "7d", "--resolution", "1m"),
        ("--group-by", "colour"),
        ("--since", "1h\0"),
    ],
)
@pytest.mark.parametrize("verb", ["show", "export"])
def test_wrong_usage_is_2_and_says_why(run, verb, arguments):
    if arguments == ("--since", "") and verb == "export":
        arguments = ("--until", "soon")
    ran = run(verb, *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.strip()


def test_a_database_that_is_away_is_6(run, monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("connection refused")

    monkeypatch.setattr(module.documents, "metrics", away)
    for verb in (("show",), ("export",), ("top", "--once")):
        assert run(*verb).code == 6


def test_export_as_csv_is_what_the_api_gives(run, api):
    at = rows.ago(minutes=30)
    asked.write(at)
    given = {"start_time": iso(at), "end_time": iso(at + timedelta(minutes=5))}
    ran = run("export", "--since", given["start_time"], "--until", given["end_time"])
    answer = api.get("/api/v1/metrics", given, headers={"Accept": "text/csv"})
    assert ran.out.replace("\r\n", "\n") == answer.content.decode().replace("\r\n", "\n")
    assert len(list(csv.reader(io.StringIO(ran.out)))) == 5


def test_export_as_json_takes_series(run):
    asked.write(rows.ago(minutes=30))
    ran = run("export", f"{REQUESTS}:count", "--format", "json")
    [point] = json.loads(ran.out)["metrics"][f"{REQUESTS}:count"]
    assert point["value"] == 4


def test_export_as_openmetrics_is_valid_and_takes_no_range(run):
    asked.write(rows.ago(minutes=30))
    ran = run("export", "--format", "openmetrics")
    names = {family.name for family in text_string_to_metric_families(ran.out)}
    assert f"nexus_{REQUESTS}" in names
    assert run("export", "--format", "openmetrics", "--since", "1h").code == 2
    assert run("export", "error_percent", "--format", "openmetrics").code == 2


def test_export_replaces_a_file_as_a_whole(run, tmp_path, monkeypatch):
    target = tmp_path / "metrics.prom"
    target.write_text("before")
    (tmp_path / "link").symlink_to(target)
    assert run("export", "--format", "openmetrics", "--output", tmp_path / "link").code == 0
    assert target.read_text().endswith("# EOF\n")
    assert target.stat().st_mode & 0o777 == 0o644
    before = target.read_bytes()

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    ran = run("export", "--output", target)
    assert (ran.code, "No space left" in ran.err) == (2, True)
    assert target.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link", "metrics.prom"]


def test_export_writes_to_what_is_no_file_instead_of_replacing_it(run, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run("export", "--output", pipe).code == 0
        assert os.read(reader, 100).startswith(b"timestamp,series,")
    finally:
        os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.parametrize("where", ["", "missing/file.csv"])
def test_export_to_where_no_file_can_be_is_2(run, tmp_path, where):
    ran = run("export", "--output", tmp_path / where)
    assert (ran.code, "can't be written" in ran.err) == (2, True)


def test_an_unknown_format_is_2(run):
    ran = run("export", "--format", "xml")
    assert (ran.code, "csv, json, openmetrics" in ran.err) == (2, True)


def test_top_tells_the_busiest_routes_first(run):
    at = rows.ago(minutes=3)
    asked.write(at, at + timedelta(minutes=1))
    ran = run("top", "--once")
    assert ran.code == 0
    first, second = (line(ran.out, f"api/v1/{name}") for name in ("status", "config"))
    assert (first[1], first[3], first[5]) == ("6", "100", "0")
    assert (second[1], second[3], second[5]) == ("2", "500", "2")
    assert float(second[4]) == pytest.approx(500, rel=0.01)
    assert ran.out.index("api/v1/status") < ran.out.index("api/v1/config")
    assert "requests_per_second" in ran.out


def test_the_rate_of_top_is_over_the_time_that_is_known(run):
    start = rows.ago(minutes=4)
    asked.write(start)
    one = rows.source()
    one.flushed_until = start + timedelta(minutes=2)
    one.save()
    told = json.loads(run("top", "--since", iso(start), "--json").out)
    routes = {each["route"]: each for each in told["routes"]}
    assert routes["api/v1/status"]["per_second"] == pytest.approx(3 / 120)
    assert routes["api/v1/status"]["requests"] == 3


def test_top_tells_at_most_so_many(run):
    asked.write(rows.ago(minutes=3))
    assert len(json.loads(run("top", "--limit", 1, "--json").out)["routes"]) == 1


def test_top_goes_on_until_it_is_interrupted(run, monkeypatch):
    """Each turn shows what is new."""
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=100)
    monkeypatch.setattr(Command, "console", lambda self: console)
    paused: list[float] = []

    def pause(seconds: float) -> None:
        paused.append(seconds)
        if len(paused) == 2:
            raise KeyboardInterrupt
        asked.write(rows.ago(minutes=3))

    monkeypatch.setattr(module, "sleep", pause)
    assert run("top", "--interval", 2).code == 0
    assert paused == [2.0, 2.0]
    assert "api/v1/status" in shown.getvalue()


def test_series_lists_what_can_be_asked(run, api):
    out = run("series").out
    assert "requests_per_second" in out
    assert REQUESTS in out
    told = api.get("/api/v1/metrics/series").json()["data"]
    assert json.loads(run("series", "--json").out) == told


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90m", timedelta(minutes=90)), ("24h", timedelta(hours=24)), ("7d", timedelta(days=7)),
        ("1y", timedelta(days=365)), ("0s", timedelta(0)), ("999999999y", None), ("", None),
        ("1", None), ("m", None), ("1 h", None), ("1H", None), ("1h\n", None),
        ("\N{ARABIC-INDIC DIGIT ONE}h", None),
    ],
)  # fmt: skip
def test_durations(text, length):
    assert duration(text) == length
