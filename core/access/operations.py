"""Making, narrowing, rotating and revoking keys."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core import ids
from core.access import audit, grants, lives, tokens
from core.access.actor import Actor
from core.access.models import ApiKey
from core.errors import Conflict, InvalidInput, NotFound
from core.events.operations import publish
from core.options.option import UNSET, Unset
from core.processes import control

FORGET_KEY = "access.forget_key"


class KeyRevoked(Conflict):
    code = "key_revoked"


class KeyExpired(Conflict):
    code = "key_expired"


@transaction.atomic
def create_key(
    *,
    name: str,
    scopes: Collection[str],
    actor: Actor,
    expires_in: timedelta | Unset | None = UNSET,
    networks: Sequence[str] = (),
) -> tuple[ApiKey, str]:
    """A new key and its text, which nobody can read again. `expires_in` None: never expires;
    unset: when the configuration says.

    A key made by a key gets no more than that one has: its networks when none are given, and
    its end when that is sooner. Raises PermissionDenied for scopes or networks that `actor`
    doesn't have, InvalidInput for what makes no sense.
    """
    now = timezone.now()
    grant = grants.Grant(
        scopes=grants.known_scopes(scopes),
        networks=grants.normal_networks(networks),
        expires_at=lives.end(now, expires_in),
    ).within(actor)
    lives.check_end(grant.expires_at)
    token = tokens.generate()
    key = ApiKey(
        name=grants.fitting_name(name),
        key_id=token.key_id,
        created_at=now,
        created_by=str(actor)[:200],
        scopes=grant.scopes,
        networks=grant.networks,
        expires_at=grant.expires_at,
    )
    _set_secret(key, token)
    key.save(force_insert=True)
    _record(key, actor, "create", "created", scopes=key.scopes, networks=key.networks)
    return key, str(token)


@transaction.atomic
def rotate_key(
    *, key_id: UUID, actor: Actor, overlap: timedelta | None = None
) -> tuple[ApiKey, str]:
    """A new secret for the key; the one it had until now keeps working for `overlap`, None: as
    long as the configuration says.

    Raises NotFound, KeyRevoked or KeyExpired, and PermissionDenied when the key may do more
    than `actor`, who gets to see its secret.
    """
    key = _usable(key_id)
    grants.Grant.of(key).check_within(actor)
    overlap = lives.default_overlap() if overlap is None else overlap
    if not timedelta(0) <= overlap <= lives.LONGEST_OVERLAP:
        raise InvalidInput.field("overlap_seconds", "out_of_range", "Overlap is at most 30 days.")
    token = tokens.generate(key.key_id)
    key.rotated_at = timezone.now()
    key.previous_digest, key.previous_pepper = key.digest, key.pepper
    key.previous_until = key.rotated_at + overlap
    _set_secret(key, token)
    key.save()
    _forget_everywhere(key)
    _record(key, actor, "rotate", "rotated", overlap_seconds=overlap.total_seconds())
    return key, str(token)


@transaction.atomic
def narrow_key(
    *,
    key_id: UUID,
    actor: Actor,
    name: str | None = None,
    scopes: Collection[str] | None = None,
    expires_at: datetime | None = None,
    networks: Sequence[str] | None = None,
) -> ApiKey:
    """Take something away from the key, or rename it; what is None stays.

    Raises WouldWiden for anything that would widen it, NotFound, KeyRevoked, KeyExpired.
    """
    key = _usable(key_id)
    before = _visible(key)
    if name is not None:
        key.name = grants.fitting_name(name)
    narrowed = grants.Grant.of(key).narrowed(
        scopes=scopes, networks=networks, expires_at=expires_at
    )
    key.scopes, key.networks = narrowed.scopes, narrowed.networks
    key.expires_at = narrowed.expires_at
    key.save()
    _forget_everywhere(key)
    after = _visible(key)
    changes = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    _record(key, actor, "narrow", "narrowed", changes=changes)
    return key


@transaction.atomic
def revoke_key(*, key_id: UUID, actor: Actor) -> ApiKey:
    """Every process refuses the key within a second; repeated: nothing more happens.

    Raises NotFound.
    """
    key = _locked(key_id)
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.revoked_by = str(actor)[:200]
        key.save(update_fields=["revoked_at", "revoked_by"])
        _record(key, actor, "revoke", "revoked")
    _forget_everywhere(key)
    return key


def _locked(key_id: UUID) -> ApiKey:
    key = ApiKey.objects.select_for_update().filter(pk=key_id).first()
    if key is None:
        raise NotFound("There is no such key.")
    return key


def _usable(key_id: UUID) -> ApiKey:
    key = _locked(key_id)
    if key.revoked_at is not None:
        raise KeyRevoked("This key was revoked; make a new one.")
    if key.expires_at is not None and key.expires_at <= timezone.now():
        raise KeyExpired("This key has expired; make a new one.")
    return key


def _set_secret(key: ApiKey, token: tokens.Token) -> None:
    key.pepper = tokens.pepper_in_use()
    key.digest = tokens.digest(token, key.pepper)


def _visible(key: ApiKey) -> dict[str, Any]:
    expires = key.expires_at.isoformat() if key.expires_at else None
    return {
        "name": key.name, "scopes": key.scopes, "networks": key.networks, "expires_at": expires
    }  # fmt: skip


def _forget_everywhere(key: ApiKey) -> None:
    control.broadcast(FORGET_KEY, {"key_id": ids.external("key", key.pk)})


def _record(key: ApiKey, actor: Actor, verb: str, past: str, **details: Any) -> None:
    target = ids.external("key", key.pk)
    details = {"name": key.name, **details}
    audit.record(actor=actor, action=f"key.{verb}", target=target, details=details)
    publish(f"key.{past}", subject=target, payload=details, actor=str(actor))
