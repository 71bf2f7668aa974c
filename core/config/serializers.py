"""What the addresses of the configuration take in and give out."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core import options
from core.api.cursors import NUMBER, pattern
from core.api.serializers import Flag, PageIn, PaginationOut, StrictSerializer
from core.config import schema
from core.config.models import WatchState
from core.config.operations import MAX_REASON
from core.config.watches import MAX_SECONDS, MIN_SECONDS


class ReasonField(serializers.CharField):
    def __init__(self) -> None:
        super().__init__(
            required=False, max_length=MAX_REASON, allow_blank=True,
            help_text="Why; it is kept in the history.",
        )  # fmt: skip


@extend_schema_field({})
class AnyField(serializers.Field):
    """Any JSON value."""

    def to_representation(self, value: Any) -> Any:
        return value


class ConfigIn(StrictSerializer):
    section = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False,
        help_text="One section instead of all.",
    )  # fmt: skip
    sources = Flag(
        default=False,
        help_text="Each value becomes an object: `value`, `source` (environment, override or "
        "default), `default`, `writable`, `overridden`, `pending_restart`, `running`, `waiting`, "
        "`problem`.",
    )
    mask_secrets = Flag(
        default=True, help_text="false shows secrets: needs `admin:config` and is audited."
    )


class ChangeQueryIn(StrictSerializer):
    dry_run = Flag(default=False, help_text="Say what would change; change nothing.")
    watch = serializers.IntegerField(
        required=False,
        min_value=MIN_SECONDS,
        max_value=MAX_SECONDS,
        help_text="Take the change back by itself when a critical component that is healthy now "
        "turns unhealthy within so many seconds.",
    )
    reason = ReasonField()


class DryRunIn(StrictSerializer):
    dry_run = Flag(default=False, help_text="Say what would change; change nothing.")


class ReasonIn(StrictSerializer):
    reason = ReasonField()


class RevisionListIn(PageIn):
    cursor = serializers.RegexField(
        pattern(NUMBER), required=False, help_text="From `next` or `previous` of another page."
    )


class ValuesIn(serializers.Serializer[Any]):
    """Values by section, or flat by `section.name`; null is back to the default. Those not
    named stay. The reason may stand here as `reason`, too."""


class ValuesInSchema(OpenApiSerializerExtension):
    """The body of a change as the declarations have it, without what can't be changed."""

    target_class = ValuesIn

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        sections: dict[str, Any] = {}
        for option in options.registry:
            if option.is_writable:
                properties = sections.setdefault(option.section, {})
                taken = schema.without_nul(schema.values(option))
                properties[option.name] = {
                    "anyOf": [taken, {"type": "null"}],
                    "description": option.help,
                }
        named: dict[str, Any] = {
            name: {"type": "object", "properties": each, "additionalProperties": False}
            for name, each in sections.items()
        }
        return {
            "type": "object",
            "description": ValuesIn.__doc__,
            "properties": named,
            "additionalProperties": False,
        }


class ChangeOut(serializers.Serializer[Any]):
    key = serializers.CharField()
    before = AnyField(help_text="null: there was no override.")
    after = AnyField(help_text="null: the default counts again.")
    default = AnyField()


class RestartOut(serializers.Serializer[Any]):
    key = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    reason = serializers.CharField()


class WatchOut(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=WatchState.choices)
    until = serializers.DateTimeField()
    components = serializers.ListField(
        child=serializers.CharField(), help_text="The critical ones that were healthy before."
    )
    ended_at = serializers.DateTimeField(allow_null=True)
    outcome = serializers.CharField(allow_null=True)
    reverted_by = serializers.IntegerField(
        allow_null=True, help_text="The revision that took it back."
    )


class OutcomeOut(serializers.Serializer[Any]):
    updated_keys = serializers.ListField(child=serializers.CharField())
    restart_required = serializers.BooleanField()
    restart = RestartOut(many=True, help_text="The keys that need a restart, and why.")
    services_affected = serializers.ListField(
        child=serializers.CharField(), help_text="What has to be restarted: web, worker, beat."
    )
    changes = ChangeOut(many=True)
    revision = serializers.IntegerField(help_text="The newest one now; 0 before the first.")
    etag = serializers.CharField(help_text="Of the configuration as this change left it.")
    dry_run = serializers.BooleanField()
    watch = WatchOut(allow_null=True)


class ActorOut(serializers.Serializer[Any]):
    kind = serializers.CharField()
    id = serializers.CharField()
    name = serializers.CharField()


class ListedRevisionOut(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    actor = ActorOut()
    reason = serializers.CharField()
    request_id = serializers.CharField()
    keys = serializers.ListField(child=serializers.CharField())
    rolled_back_to = serializers.IntegerField(
        allow_null=True, help_text="The revision whose state it brought back."
    )
    reverted = serializers.IntegerField(
        allow_null=True, help_text="The revision whose changes it took back."
    )


class RevisionOut(ListedRevisionOut):
    changes = ChangeOut(many=True)
    watch = WatchOut(allow_null=True)


class RevisionListOut(serializers.Serializer[Any]):
    revisions = ListedRevisionOut(many=True)
    pagination = PaginationOut()


class DifferenceOut(serializers.Serializer[Any]):
    changes = ChangeOut(many=True)

    def get_fields(self) -> dict[str, serializers.Field]:
        ends = {name: serializers.IntegerField() for name in ("from", "to")}
        return {**ends, **super().get_fields()}
