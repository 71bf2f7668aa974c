"""What a plugin registers is what it requested, is recorded, and can be taken out again."""

from __future__ import annotations

import pytest

from core import options
from core.health import checks, diagnostics
from core.metrics import instruments, marks, sampling, series
from core.processes import endings, loops
from core.retention import rules
from plugins.plugin import State
from tasks.job import jobs
from tests.plugins.making import failed, only, write

EVERYTHING = """
    from datetime import timedelta
    from core import options, retention
    from core.events import subscribers
    from core.events.models import Event
    from core.health import checks, diagnostics
    from core.metrics import instruments, marks, sampling, series
    from core.processes import control, endings, figures, loops
    from tasks.job import Job, Steps, jobs

    EXTRA = options.declare("{section}.extra", int, default=3, help="One more.")
    options.on_change("{section}.extra")(print)
    checks.component("{section}")(lambda figures: {{}})
    checks.register(component="{section}", name="works")(lambda: None)
    diagnostics.register("{section}", "connectivity")(lambda context: {{}})
    figures.register("{section}.figure")(dict)
    control.handler("{section}.command")(lambda payload: None)
    loops.register("{section}.loop", roles={{"web"}}, interval=60.0)(lambda: None)
    marks.register("{section}.happened")(lambda events: None)
    endings.register("{section}.ending")(lambda: None)
    length = instruments.gauge("{section}_length", unit="", help="How long.")
    series.declare("{section}_longest", length, "max", unit="", title="Longest")
    sampling.register("{section}.length")(lambda seconds: length.set(1, seconds=seconds))
    retention.register("{section}")(lambda: Event.objects.none())
    subscribers.register(event="{section}.*", name="{section}")(lambda event: None)

    @jobs.register("{section}.work")
    class Work(Job):
        steps = Steps(go=1)

        def go(self, context):
            pass
"""
ALL_PERMISSIONS = (
    "checks", "commands", "diagnostics", "figures", "jobs", "loops", "marks", "metrics",
    "options", "retention_rules", "subscribers",
)  # fmt: skip


def test_everything_a_plugin_may_register_is_recorded_and_taken_out_again(directory, load):
    write(directory, code=EVERYTHING, permissions=ALL_PERMISSIONS)
    before = {name: list(each.names()) for name, each in _registries().items()}
    loaded = load()
    assert only(loaded).state == State.ACTIVE, only(loaded).reason
    kinds = {each.kind for each in only(loaded).registered}
    assert kinds == {
        "option", "listener", "component", "check", "diagnostic", "figure", "command", "loop",
        "ending", "instrument", "series", "sampler",
        "retention rule", "subscriber", "job type", "mark",
    }  # fmt: skip
    assert "sample.work" in jobs
    loaded.apply({"sample"})
    assert {name: each.names() for name, each in _registries().items()} == before
    assert "sample.extra" not in options.registry
    loaded.apply(set())
    assert only(loaded).state == State.ACTIVE
    assert "sample.work" in jobs
    assert options.registry.get("sample.extra").value == 3


def _registries():
    return {
        "checks": checks.registry, "components": checks.components, "jobs": jobs,
        "diagnostics": diagnostics.registry, "options": options.registry,
        "loops": loops.registry, "rules": rules, "endings": endings.registry,
        "instruments": instruments.registry, "series": series.registry,
        "samplers": sampling.registry, "marks": marks.registry,
    }  # fmt: skip


def test_a_name_that_is_taken_is_a_failure_and_the_owner_keeps_it(directory, load):
    owner = checks.registry.get("database.connection")
    write(directory, code=TAKES_A_NAME)
    failed(load(), because="There is a check named 'database.connection' already.")
    assert checks.registry.get("database.connection") is owner


TAKES_A_NAME = """
    from core.health import checks
    checks.register(component="database", name="connection")(lambda: None)
"""


def test_what_was_not_requested_fails_the_plugin_and_is_taken_out(directory, load):
    write(directory, code=EVERYTHING, permissions=("checks", "options"))
    plugin = failed(load(), because="does not request 'loops'")
    assert "does not request 'jobs'" in plugin.reason
    assert "sample.loop" not in loops.registry
    assert "sample.works" not in checks.registry


def test_a_registry_that_is_closed_to_plugins_can_not_be_requested(directory, load):
    code = """
        from tasks import schedules
        schedules.register("{section}", job_type="canary", every=60)
    """
    write(directory, code=code, permissions=ALL_PERMISSIONS)
    failed(load(), because="no plugin may do that")


def test_options_in_the_section_of_another_fail_the_plugin(directory, load):
    code = """
        from core import options
        options.declare("plugins.more", int, default=1, help="Not mine.")
    """
    write(directory, code=code, permissions=("options",))
    failed(load(), because="outside of its section 'sample'")
    assert "plugins.more" not in options.registry


@pytest.mark.parametrize("name", ["Post Office", "post\\0office", "x" * 200, "ö", ""])
def test_a_name_that_others_would_break_on_fails_the_plugin(directory, load, name):
    code = f"""
        from core.health import checks
        checks.register(component="{name}", name="works")(lambda: None)
    """
    write(directory, code=code)
    failed(load(), because="is not a name of a check")
