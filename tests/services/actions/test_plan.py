"""What is done to which services, in which order."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from services.actions.plan import (
    ActionNotSupported,
    Condition,
    DependenciesStopped,
    DependentsRunning,
    Others,
    Plan,
    plan,
)
from services.registry.graph import Graph, dependents

ALL = frozenset({"start", "stop", "restart"})
RUNS = Condition(runs=True, can=ALL)
STOPPED = Condition(runs=False, is_stopped=True, can=ALL)
# The diamond: web and jobs need the database, the shop needs both; mail needs nothing.
DIAMOND = {"web": frozenset({"db"}), "jobs": frozenset({"db"}), "shop": frozenset({"web", "jobs"})}
NAMES = ("db", "web", "jobs", "shop", "mail")


def made(name: str, action: str, others: str = "cascade", **conditions: Condition) -> Plan:
    return plan(
        name=name, action=action, graph=DIAMOND, others=Others(others),
        conditions={**dict.fromkeys(NAMES, RUNS), **conditions},
    )  # fmt: skip


def acts(found: Plan) -> list[str]:
    return [act.step for act in found.acts]


def test_a_service_that_nobody_needs_is_restarted_alone():
    found = made("mail", "restart", "refuse")
    found.require_alone()
    assert acts(found) == ["restart mail"]
    assert found.affected == ()


def test_the_dependents_of_a_diamond_go_down_last_first_and_come_back_in_order():
    assert acts(made("db", "restart")) == [
        "stop shop", "stop web", "stop jobs", "restart db", "start jobs", "start web", "start shop",
    ]  # fmt: skip


def test_without_cascade_it_is_refused_naming_every_running_dependent():
    found = made("db", "restart", "refuse", jobs=STOPPED)
    with pytest.raises(DependentsRunning, match="shop needs it and runs") as refused:
        found.require_alone()
    assert refused.value.extra == {"dependents_running": ["web", "shop"]}
    assert acts(found) == ["restart db"]


def test_what_does_not_run_is_left_as_it_is():
    assert acts(made("db", "restart", jobs=STOPPED, shop=STOPPED)) == [
        "stop web", "restart db", "start web",
    ]  # fmt: skip


def test_what_can_only_be_restarted_is_so_once_the_service_is_back():
    only = Condition(can=frozenset({"restart"}))
    assert acts(made("db", "restart", web=only)) == [
        "stop shop", "stop jobs", "restart db", "start jobs", "restart web", "start shop",
    ]  # fmt: skip


def test_what_has_no_controller_is_named_as_affected():
    found = made("db", "restart", web=Condition(), jobs=Condition(can=frozenset({"stop"})))
    assert acts(found) == ["stop shop", "restart db", "start shop"]
    assert set(found.affected) == {"web", "jobs"}


def test_stopping_stops_the_dependents_first():
    found = made("web", "stop")
    assert acts(found) == ["stop shop", "stop web"]
    assert acts(made("web", "stop", shop=STOPPED)) == ["stop web"]
    with pytest.raises(DependentsRunning):
        made("web", "stop", "refuse").require_alone()


def test_starting_starts_what_it_needs_first():
    found = made("shop", "start", db=STOPPED, web=STOPPED, shop=STOPPED)
    assert acts(found) == ["start db", "start web", "start shop"]
    with pytest.raises(DependenciesStopped, match="db is needed and is stopped") as refused:
        found.require_alone()
    assert refused.value.extra == {"dependencies_stopped": ["db", "web"]}


def test_a_stopped_need_that_nothing_here_can_start_is_affected():
    found = made("web", "start", db=Condition(runs=False, is_stopped=True), web=STOPPED)
    assert (acts(found), found.affected) == (["start web"], ("db",))


def test_what_is_broken_already_is_restarted_whoever_needs_it():
    found = made("db", "restart", "leave")
    assert acts(found) == ["restart db"]
    assert set(found.affected) == {"web", "jobs", "shop"}


def test_an_action_that_its_controller_lacks_is_refused():
    with pytest.raises(ActionNotSupported, match="its controller can restart, start") as refused:
        made("db", "stop", db=Condition(can=frozenset({"restart", "start"})))
    assert refused.value.code == "action_not_supported"
    with pytest.raises(ActionNotSupported, match="give it a controller"):
        made("db", "restart", db=Condition())


def test_the_document_names_each_step_as_the_task_does():
    document = made("jobs", "restart").document()
    assert [each["step"] for each in document["steps"]] == [
        "stop shop", "restart jobs", "wait jobs", "start shop", "wait shop",
    ]  # fmt: skip
    assert document["steps"][2] == {"service": "jobs", "action": "wait", "step": "wait jobs"}
    assert document["dry_run"] is True
    assert document["dependents_running"] == ["shop"]


def some_graph(chance: random.Random, names: list[str]) -> Graph:
    pairs = list(combinations(names, 2))
    graph: dict[str, set[str]] = {}
    for needed, needing in chance.sample(pairs, chance.randrange(len(pairs))):
        graph.setdefault(needing, set()).add(needed)
    return {name: frozenset(needs) for name, needs in graph.items()}


def some_condition(chance: random.Random) -> Condition:
    can = frozenset(each for each in sorted(ALL) if chance.random() < 0.7)
    runs = chance.random() < 0.7
    return Condition(runs=runs, is_stopped=not runs and chance.random() < 0.7, can=can)


@pytest.mark.parametrize("seed", range(200))
def test_no_service_runs_without_what_it_needs(seed):
    """Whoever is stopped is so before what it needs goes down, and up again after it is back."""
    chance = random.Random(seed)
    names = [f"s{n}" for n in range(chance.randrange(2, 8))]
    graph = some_graph(chance, names)
    conditions = {name: some_condition(chance) for name in names}
    name, action = chance.choice(names), chance.choice(sorted(ALL))
    conditions[name] = Condition(runs=True, can=ALL)
    found = plan(
        name=name, action=action, graph=graph, conditions=conditions, others=Others.CASCADE
    )
    place = {act.step: position for position, act in enumerate(found.acts)}
    assert len(place) == len(found.acts)
    for needed in names:
        for needing in dependents(needed, graph):
            _assert_in_order(place, needed, needing)
    for act in found.acts:
        assert act.action in conditions[act.service].can
    running = {each for each in dependents(name, graph) if conditions[each].runs}
    if action != "start":
        assert found.services | set(found.affected) == {name, *running}
        assert not found.services & set(found.affected)


def _assert_in_order(place: dict[str, int], needed: str, needing: str) -> None:
    down = [place[step] for step in (f"stop {needed}", f"restart {needed}") if step in place]
    up = [place[step] for step in (f"start {needed}", f"restart {needed}") if step in place]
    if f"stop {needing}" in place:
        assert all(place[f"stop {needing}"] < each for each in down)
    for step in (f"start {needing}", f"restart {needing}"):
        if step in place:
            assert all(each < place[step] for each in up)
