"""What has happened beside what was measured: marks on the line of time, from events.

    @marks.register("mail.paused")
    def paused(events: Sequence[Event]) -> Meaning: return "mail", "Mail paused"

A function tells what one event, or several that belong together, mean to who reads a chart.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core import ids
from core.events.models import Event
from core.events.queries import PREFIX
from core.registry import Registry

logger = logging.getLogger(__name__)

MOST_MARKS = 200
MOST_EVENTS = 2000
TOGETHER = timedelta(minutes=1)
NEAR = 10  # marks back in which the same one is looked for

Meaning = tuple[str, str]  # the kind of mark, its title
Tell = Callable[[Sequence[Event]], "Meaning | None"]
Together = Callable[[Event], Hashable]


@dataclass(frozen=True)
class Marking:
    """Events of one name. Those for which `together` says the same within a minute are one mark;
    without it each is one."""

    tell: Tell
    together: Together | None = None


registry: Registry[Marking] = Registry("mark")


def register(name: str, *, together: Together | None = None) -> Callable[[Tell], Tell]:
    """Decorator of a function that gives the meaning of events of this name, or None."""

    def add(tell: Tell) -> Tell:
        registry.add(name, Marking(tell, together))
        return tell

    return add


def in_range(start: datetime, end: datetime) -> list[dict[str, Any]]:
    """The marks from `start` to before `end`, ascending; the newest MOST_MARKS of them.

    Each has `timestamp`, `kind` (restart, deploy, start, configuration, plugin, cache, alert or
    that of a plugin), `title` and `event`, the id of the first event it stands for.
    """
    newest = Event.objects.filter(
        name__in=registry.names(), created_at__gte=start, created_at__lt=end
    ).order_by("-created_at", "-id")[:MOST_EVENTS]
    marks: list[dict[str, Any]] = []
    for group in _groups(reversed(newest)):
        mark = _mark(group)
        if mark is not None and not any(_is_same(mark, each) for each in marks[-NEAR:]):
            marks.append(mark)
    return marks[-MOST_MARKS:]


def _groups(events: Iterable[Event]) -> list[list[Event]]:
    """In the order of their first events."""
    groups: list[list[Event]] = []
    open_groups: dict[Hashable, list[Event]] = {}
    for event in events:
        key = _key(event)
        group = open_groups.get(key)
        if group is None or event.created_at - group[0].created_at >= TOGETHER:
            group = open_groups[key] = []
            groups.append(group)
        group.append(event)
    return groups


def _key(event: Event) -> Hashable:
    """What other events have to share to be one mark with this one."""
    try:
        together = registry.get(event.name).together
        key = event.pk if together is None else (event.name, together(event))
        hash(key)
    except Exception:
        logger.exception("%s can't be told together with others", event.name)
        return event.pk
    return key


def _mark(events: Sequence[Event]) -> dict[str, Any] | None:
    first = events[0]
    try:
        meaning = registry.get(first.name).tell(events)
        if meaning is None:
            return None
        kind, title = map(str, meaning)
    except Exception:  # a plugin's, or of a payload that another version wrote
        logger.exception("the mark of %s can't be told", first.name)
        return None
    return {
        "timestamp": first.created_at,
        "kind": kind,
        "title": title,
        "event": ids.external(PREFIX, first.pk),
    }


def _is_same(mark: dict[str, Any], other: dict[str, Any]) -> bool:
    """Such as the same deployment, of another role."""
    return (mark["kind"], mark["title"]) == (other["kind"], other["title"]) and mark[
        "timestamp"
    ] - other["timestamp"] < TOGETHER


def _run(event: Event) -> Hashable:
    return "instance" if event.payload.get("instance_started") else event.payload.get("role")


@register("process.started", together=_run)
def started(events: Sequence[Event]) -> Meaning:
    """A deployment when the version is another than before; the first start ever is none."""
    for each in events:
        if each.payload["previous_version"] not in (None, each.payload["version"]):
            return "deploy", f"Deployed {each.payload['version']}"
    if events[0].payload["instance_started"]:
        return "start", "Instance started"
    role = events[0].payload["role"].capitalize()
    several = f" ({len(events)} processes)" if len(events) > 1 else ""
    return "restart", f"{role} restarted{several}"


@register("config.changed")
def configured(events: Sequence[Event]) -> Meaning:
    first, *more = events[0].payload["keys"]
    return "configuration", f"Changed {first}" + (f" and {len(more)} more" if more else "")


@register("plugin.enabled")
def enabled(events: Sequence[Event]) -> Meaning:
    return "plugin", f"Enabled {events[0].subject}"


@register("plugin.disabled")
def disabled(events: Sequence[Event]) -> Meaning:
    return "plugin", f"Disabled {events[0].subject}"


@register("cache.cleared")
def cleared(events: Sequence[Event]) -> Meaning | None:
    """All of it: what clears a few keys again and again is no mark."""
    return ("cache", "Cache cleared") if events[0].payload["pattern"] is None else None


@register("alert.raised")
def raised(events: Sequence[Event]) -> Meaning | None:
    """Not those that nobody needs to hear of."""
    alert = events[0].payload
    is_quiet = alert["severity"] == "info" or alert["silenced"]
    return None if is_quiet else ("alert", alert["title"])
