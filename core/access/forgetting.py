"""What every process forgets when a key, a person or a session changes."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_logged_out
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import receiver

from core.access import keys, operations, sessions
from core.processes import control

FORGET_USER = "access.forget_user"


@control.handler(operations.FORGET_KEY)
def forget_key(payload: dict[str, Any]) -> None:
    keys.forget(payload["key_id"])


@control.handler(FORGET_USER)
def forget_user(payload: dict[str, Any]) -> None:
    sessions.forget(user_id=payload["user_id"])


@receiver([post_save, post_delete], sender=get_user_model(), dispatch_uid="access.user")
def user_changed(instance: Any, update_fields: Any = None, **kwargs: Any) -> None:
    if not kwargs.get("created") and set(update_fields or ()) != {"last_login"}:
        _forget_everywhere(instance.pk)


@receiver(m2m_changed, sender=get_user_model().groups.through, dispatch_uid="access.groups")
def groups_changed(
    instance: Any, action: str, reverse: bool, pk_set: set[int] | None, **kwargs: Any
) -> None:
    if not action.startswith("post_"):
        return
    if not reverse:
        _forget_everywhere(instance.pk)
    elif pk_set is None:  # a group was emptied, and nobody says of whom
        _forget_everywhere(None)
    else:
        for user_id in pk_set:
            _forget_everywhere(user_id)


@receiver(post_delete, sender=Group, dispatch_uid="access.group")
def group_deleted(**kwargs: Any) -> None:
    _forget_everywhere(None)


@receiver(user_logged_out, dispatch_uid="access.logged_out")
def logged_out(user: Any, **kwargs: Any) -> None:
    if user is not None:
        _forget_everywhere(user.pk)


def _forget_everywhere(user_id: int | None) -> None:
    control.broadcast(FORGET_USER, {"user_id": None if user_id is None else str(user_id)})
