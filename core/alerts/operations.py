"""Raising alerts and what becomes of them. A new occurrence of what was resolved is a new
alert; a silence goes on for it until its time is over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from core import ids
from core.access import audit
from core.access.actor import Actor
from core.alerts import bounds, grouping, queries
from core.alerts.models import Alert
from core.alerts.notices import publish
from core.errors import Conflict, InvalidInput, NotFound
from core.text import cut, remark

MAX_SILENCE = timedelta(days=365)
RANK = "array_position(ARRAY['info', 'warning', 'critical'], {}.severity::text)"
RAISE = f"""
    INSERT INTO alerts_alert AS alert (
        id, fingerprint, source, severity, title, message, details,
        silenced_at, silenced_until, silenced_by, silence_reason
    )
    SELECT
        %(id)s, %(fingerprint)s, %(source)s, %(severity)s, %(title)s, %(message)s,
        %(details)s::jsonb, former.silenced_at, former.silenced_until,
        coalesce(former.silenced_by, ''), coalesce(former.silence_reason, '')
    FROM (VALUES (1)) AS once LEFT JOIN (
        SELECT * FROM alerts_alert WHERE fingerprint = %(fingerprint)s
        ORDER BY first_seen_at DESC LIMIT 1
    ) AS former ON former.silenced_until > statement_timestamp()
    ON CONFLICT (fingerprint) WHERE resolved_at IS NULL DO UPDATE SET
        count = alert.count + 1,
        last_seen_at = greatest(alert.last_seen_at, statement_timestamp()),
        severity = CASE WHEN {RANK.format("EXCLUDED")} > {RANK.format("alert")}
            THEN EXCLUDED.severity ELSE alert.severity END,
        worsened_at = CASE WHEN {RANK.format("EXCLUDED")} > {RANK.format("alert")}
            THEN statement_timestamp() ELSE alert.worsened_at END,
        title = EXCLUDED.title, message = EXCLUDED.message, details = EXCLUDED.details
    RETURNING alert.*, coalesce(worsened_at = statement_timestamp(), false) AS is_worse
"""  # noqa: S608  nothing but constants is put in


class AlertResolved(Conflict):
    code = "alert_resolved"


@transaction.atomic
def raise_alert(
    *,
    fingerprint: str,
    source: str,
    severity: Literal["info", "warning", "critical"],
    title: str,
    message: str,
    details: Mapping[str, Any] | None = None,
) -> Alert:
    """Say that something is the matter; said again before it is resolved, it is counted.

    `fingerprint` names what is the matter, always alike: `health.database`; `source` names
    who says so. The alert has the newest title, message and details, and the worst severity
    since it came up; one that gets worse is open again, whoever acknowledged it. Other raises
    of the fingerprint wait for the end of the transaction.
    Raises InvalidInput for a fingerprint, source, severity or title that is none.
    """
    title = cut(title, bounds.MAX_TITLE)
    if not title:
        raise InvalidInput.field("title", "required", "An alert needs a title.")
    given = {
        "id": ids.new(),
        "fingerprint": bounds.checked_fingerprint(fingerprint),
        "source": bounds.checked_source(source),
        "severity": bounds.checked_severity(severity),
        "title": title,
        "message": cut(message, bounds.MAX_MESSAGE),
        "details": bounds.cut_details(details or {}),
    }
    [alert] = Alert.objects.raw(RAISE, given)
    if alert.count == 1 or alert.is_worse:  # type: ignore[attr-defined]
        until = alert.silenced_until
        is_silenced = until is not None and until > alert.last_seen_at
        past = "raised" if alert.count == 1 else "worsened"
        publish(alert, past, message=alert.message, silenced=is_silenced)
    return alert


@transaction.atomic
def resolve_alert(*, fingerprint: str, reason: str) -> Alert | None:
    """Say that what was the matter is over; returns the alert, None when there was none.

    What it was the cause of stands for itself again.
    """
    unresolved = Alert.objects.filter(fingerprint=fingerprint, resolved_at=None)
    if not unresolved.exists():  # most often: nobody waits for a turn then
        return None
    grouping.take_turns()
    alert = unresolved.select_for_update().first()
    if alert is not None:
        reason = cut(reason, bounds.MAX_REMARK)
        by = f"source:{alert.source}"
        _change(alert, resolved_at=Now(), resolved_by=by, resolution=reason)
        publish(alert, "resolved", reason=reason)
        grouping.release(alert)
    return alert


@transaction.atomic
def acknowledge(*, alert_id: UUID, actor: Actor, note: str = "") -> Alert:
    """Somebody is at it. Who says so last has it; said twice alike, nothing more happens.

    Raises NotFound, AlertResolved, InvalidInput.
    """
    note = _remark("note", note)
    alert = _unresolved(alert_id)
    by = str(actor)[:200]
    is_known = (alert.acknowledged_by, alert.note) == (by, note)
    if not is_known or not _is_acknowledged(alert):
        _change(alert, acknowledged_at=Now(), acknowledged_by=by, note=note)
        _record(alert, actor, "acknowledge", "acknowledged", note=note)
    return alert


@transaction.atomic
def silence(*, alert_id: UUID, actor: Actor, until: datetime, reason: str) -> Alert:
    """Nobody needs to hear of this before `until`, for `reason`; replaces the silence before.

    It ends by itself, and goes on for new alerts of the fingerprint until then.
    Raises NotFound, AlertResolved, InvalidInput.
    """
    reason = _remark("reason", reason, is_required=True)
    now = timezone.now()
    if timezone.is_naive(until) or not now < until <= now + MAX_SILENCE:
        message = f"A silence ends in the future, within {MAX_SILENCE.days} days."
        raise InvalidInput.field("until", "out_of_range", message)
    alert = _unresolved(alert_id)
    by = str(actor)[:200]
    _change(alert, silenced_at=Now(), silenced_until=until, silenced_by=by, silence_reason=reason)
    _record(alert, actor, "silence", "silenced", until=alert.silenced_until, reason=reason)
    return alert


@transaction.atomic
def unsilence(*, alert_id: UUID, actor: Actor) -> Alert:
    """End a silence before its time, of a resolved alert too; without one nothing happens.

    Raises NotFound.
    """
    alert = _locked(alert_id)
    if alert.silenced_until is not None and alert.silenced_until > timezone.now():
        _change(alert, silenced_until=Now())
        _record(alert, actor, "unsilence", "unsilenced")
    return alert


@transaction.atomic
def resolve(*, alert_id: UUID, actor: Actor, reason: str = "") -> Alert:
    """It is over, as a person sees it; repeated, nothing more happens.

    What it was the cause of stands for itself again. The source raises a new alert when it
    comes up again. Raises NotFound, InvalidInput.
    """
    reason = _remark("reason", reason)
    grouping.take_turns()
    alert = _locked(alert_id)
    if alert.resolved_at is None:
        by = str(actor)[:200]
        _change(alert, resolved_at=Now(), resolved_by=by, resolution=reason)
        _record(alert, actor, "resolve", "resolved", reason=reason)
        grouping.release(alert)
    return alert


def _remark(field: str, text: str, *, is_required: bool = False) -> str:
    return remark(field, text, at_most=bounds.MAX_REMARK, is_required=is_required)


def _locked(alert_id: UUID) -> Alert:
    alert = Alert.objects.select_for_update().filter(pk=alert_id).first()
    if alert is None:
        raise NotFound("There is no such alert.")
    return alert


def _unresolved(alert_id: UUID) -> Alert:
    alert = _locked(alert_id)
    if alert.resolved_at is not None:
        raise AlertResolved("This alert was resolved; when it comes up again it is a new one.")
    return alert


def _is_acknowledged(alert: Alert) -> bool:
    acknowledged, worsened = alert.acknowledged_at, alert.worsened_at
    return acknowledged is not None and (worsened is None or worsened < acknowledged)


def _change(alert: Alert, **fields: Any) -> None:
    Alert.objects.filter(pk=alert.pk).update(**fields)
    alert.refresh_from_db()


def _record(alert: Alert, actor: Actor, verb: str, past: str, **details: Any) -> None:
    target = ids.external(queries.PREFIX, alert.pk)
    details = {"fingerprint": alert.fingerprint, **details}
    audit.record(actor=actor, action=f"alert.{verb}", target=target, details=details)
    publish(alert, past, actor=str(actor), **details)
