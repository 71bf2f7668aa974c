"""Where services stand when they are drawn, and how their days look."""

from __future__ import annotations

from itertools import combinations

import pytest

from services.catalog.admin import bars, drawing
from services.catalog.admin.drawing import HEIGHT, WIDTH, Drawing

DIAMOND = [("web", "left"), ("web", "right"), ("left", "db"), ("right", "db"), ("web", "db")]


def drawn(name: str, edges: list[tuple[str, str]], *alone: str) -> Drawing:
    names = sorted({each for edge in edges for each in edge} | {name, *alone})
    nodes = [{"name": each, "health": "healthy", "reason": ""} for each in names]
    given = [{"service": service, "needs": needs} for service, needs in edges]
    return drawing.around(name, {"nodes": nodes, "edges": given})


def columns(found: Drawing) -> list[set[str]]:
    places = sorted({box.x for box in found.boxes})
    return [{box.name for box in found.boxes if box.x == place} for place in places]


def test_each_stands_right_of_all_that_need_it():
    assert columns(drawn("web", DIAMOND)) == [{"web"}, {"left", "right"}, {"db"}]
    assert columns(drawn("db", DIAMOND)) == [{"web"}, {"left", "right"}, {"db"}]
    assert columns(drawn("left", DIAMOND)) == [{"web"}, {"left"}, {"db"}]


def test_what_has_nothing_to_do_with_it_is_left_out():
    found = drawn("left", [*DIAMOND, ("other", "db")], "alone")
    assert {box.name for box in found.boxes} == {"web", "left", "db"}
    assert len(found.paths) == 3  # also the way that doesn't lead through it
    assert [box.relation for box in found.boxes] == ["needs it", "itself", "needed"]


def test_one_alone_is_drawn_alone():
    found = drawn("alone", DIAMOND)
    assert [box.name for box in found.boxes] == ["alone"]
    assert (found.paths, found.left_out) == ([], 0)


def test_boxes_lie_apart_and_inside():
    edges = [("web", f"api-{n}") for n in range(9)] + [(f"api-{n}", "db") for n in range(9)]
    found = drawn("web", [*edges, ("page", "web")])
    for one, other in combinations(found.boxes, 2):
        assert abs(one.x - other.x) >= WIDTH or abs(one.y - other.y) >= HEIGHT
    for box in found.boxes:
        assert 0 <= box.x <= found.width - WIDTH
        assert 0 <= box.y <= found.height - HEIGHT


def test_of_a_crowd_the_nearest_are_drawn():
    edges = [("web", f"api-{n}") for n in range(10)]
    edges += [("api-0", f"db-{n}") for n in range(90)]
    found = drawn("web", edges)
    assert {box.name for box in found.boxes} == {"web", *(f"api-{n}" for n in range(10))}
    assert found.left_out == 90


def day(worst: str, percent: float | None = 100.0, down: float = 0.0) -> dict:
    return {"date": "2026-03-01", "worst": worst, "percent": percent, "down_seconds": down}


def test_days_that_are_alike_are_one_path():
    shown = bars.row([day("healthy"), day("unhealthy", 50.0), day("healthy")])
    assert shown.count("<path") == 2
    assert 'data-health="healthy" d="M0 11h3v9h-3zM8 11h3v9h-3z"' in shown
    assert "1 unhealthy, 2 healthy" in shown


def test_a_day_says_what_it_was():
    shown = bars.detailed([day("unhealthy", 75.0, 6 * 3600), day("unknown", None)])
    assert "<title>2026-03-01: 75.00 % up, down for 6 h</title>" in shown
    assert "<title>2026-03-01: nothing is known</title>" in shown


@pytest.mark.parametrize(
    ("percent", "text"),
    [(100, "100 %"), (99.9999, "99.99 %"), (99.5, "99.50 %"), (0, "0.00 %")],
)
def test_nearly_all_is_not_all(percent, text):
    assert bars.share(percent) == text
