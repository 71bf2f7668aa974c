"""Plugins are loaded after those they need; what can't be had is named."""

from __future__ import annotations

import pytest

from core.health import checks
from plugins.ordering import ordered
from plugins.plugin import State
from tests.plugins.making import write


def needs(**wanted: str) -> str:
    lines = [f'{name.replace("_", "-")} = "{range_}"' for name, range_ in wanted.items()]
    return "\n".join(["[dependencies]", *lines, ""])


def states(loaded) -> dict[str, str]:
    return {each.id: each.state for each in loaded.all()}


def test_each_is_loaded_after_what_it_needs(directory, load):
    write(directory, "a", more=needs(c=">=1"))
    write(directory, "b")
    write(directory, "c", more=needs(b=">=1,<2"))
    assert set(states(load()).values()) == {State.ACTIVE}
    order = [name for name in checks.registry.names() if name.endswith(".works")]
    assert order == ["b.works", "c.works", "a.works"]


@pytest.mark.parametrize(
    ("wanted", "because"),
    [
        (needs(nobody=">=1"), "it needs the plugin nobody, which is not there"),
        (needs(base=">=2"), "it needs base >=2, and 1.0.0 is there"),
        (needs(broken=">=1"), "it needs the plugin broken, which is failed"),
        (needs(unreadable=""), "it needs the plugin unreadable, which is not there"),
    ],
)
def test_what_can_not_be_had_is_named(directory, load, wanted, because):
    write(directory, "base")
    write(directory, "broken", code="1 / 0")
    write(directory, "unreadable")
    (directory / "unreadable" / "plugin.toml").write_text("no")
    write(directory, "needy", more=wanted)
    write(directory, "needs-the-needy", more=needs(needy=">=1"))
    loaded = load()
    assert because in loaded.get("needy").reason
    assert loaded.get("needs-the-needy").reason == "it needs the plugin needy, which is failed"
    assert loaded.get("base").state == State.ACTIVE
    assert "needy.works" not in checks.registry


def test_a_cycle_is_named_and_hurts_nobody_else(directory, load):
    write(directory, "a", more=needs(b=">=1"))
    write(directory, "b", more=needs(c=">=1"))
    write(directory, "c", more=needs(a=">=1"))
    write(directory, "outside", more=needs(a=">=1"))
    write(directory, "fine")
    loaded = load()
    assert loaded.get("a").reason == "it depends on itself: a -> b -> c -> a"
    assert loaded.get("c").reason == "it depends on itself: c -> a -> b -> c"
    assert loaded.get("outside").reason == "it needs the plugin a, which is failed"
    assert loaded.get("fine").state == State.ACTIVE


def test_two_cycles_are_both_found():
    graph = {"a": ["b"], "b": ["a"], "x": ["y"], "y": ["x"], "z": ["x", "free"], "free": []}
    order, cycles = ordered(graph)
    assert set(cycles) == {"a", "b", "x", "y"}
    assert order.index("free") < order.index("z")
    assert sorted(order) == sorted(graph)


def test_a_long_chain_is_no_problem():
    graph = {str(number): [str(number - 1)] for number in range(1, 5000)} | {"0": []}
    assert ordered(graph)[0] == [str(number) for number in range(5000)]


def test_one_that_waited_for_another_comes_back_with_it(directory, load):
    write(directory, "base")
    write(directory, "needy", more=needs(base=">=1"))
    loaded = load(disabled={"base"})
    assert states(loaded) == {"base": State.DISABLED, "needy": State.FAILED}
    assert loaded.get("needy").reason == "it needs the plugin base, which is disabled"
    loaded.apply(set())
    assert states(loaded) == {"base": State.ACTIVE, "needy": State.ACTIVE}
    loaded.apply({"base"})
    assert "needy.works" not in checks.registry
