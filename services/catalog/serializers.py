"""What the addresses of services take in and give out."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import serializers

from core.api.cursors import TEXT, pattern
from core.api.serializers import PageIn, PaginationOut, StrictSerializer
from core.config.serializers import AnyField, Flag
from services.catalog import kinds
from services.health.maintenance.serializers import MaintenanceWindowOut
from services.health.serializers import ServiceErrorOut
from services.health.uptime import LENGTHS
from services.probes.base import Status
from services.registry.models import Criticality, DesiredState, Health, Origin

STATUSES = [each.value for each in Status]


class ServicesIn(PageIn):
    status = serializers.ChoiceField(choices=STATUSES, required=False)
    health = serializers.ChoiceField(choices=Health.values, required=False)
    type = serializers.CharField(required=False, help_text="Such as DatabaseAdapter.")
    tag = serializers.CharField(required=False, help_text="One of its tags.")
    node = serializers.CharField(required=False, help_text="Where it is looked at.")
    owner = serializers.CharField(required=False, help_text="Who looks after it.")
    cursor = serializers.RegexField(
        pattern(TEXT), required=False, help_text="From `next` or `previous` of another page."
    )


class ImportQueryIn(StrictSerializer):
    dry_run = Flag(default=False, help_text="Say what would change; change nothing.")
    prune = Flag(
        default=False,
        help_text="Delete what isn't in the file, except the parts of the instance itself.",
    )


class ServiceIn(serializers.Serializer[Any]):
    """A definition. The types of probes and controllers are those of `/services/types`."""


class ServiceChangesIn(serializers.Serializer[Any]):
    """The keys to be replaced, `probe` and `controller` each as a whole; null takes an
    optional one away. A mask keeps the secret that is stored there, as long as the type and
    the address that it is meant for stay."""


class ImportIn(serializers.Serializer[Any]):
    """Each definition is as `POST /services` takes it, and stands for all of a service. Those of
    parts of the instance name only what operators may say of them."""


class _DefinitionSchema(OpenApiSerializerExtension):
    """The body as the definitions of services have it, and the registries of types."""

    target_class = ServiceIn

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {**kinds.definition(is_change=False), "description": ServiceIn.__doc__}


class _ChangesSchema(OpenApiSerializerExtension):
    target_class = ServiceChangesIn

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {**kinds.definition(is_change=True), "description": ServiceChangesIn.__doc__}


class _ImportSchema(OpenApiSerializerExtension):
    target_class = ImportIn

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        definition = {
            "type": "object",
            "properties": {"name": kinds.definition(is_change=False)["properties"]["name"]},
            "required": ["name"],
            "additionalProperties": True,
        }
        services = {"type": "array", "items": definition}
        return {
            "type": "object",
            "properties": {"services": services},
            "required": ["services"],
            "additionalProperties": False,
            "description": ImportIn.__doc__,
        }


class ActingOut(serializers.Serializer[Any]):
    task_id = serializers.CharField()
    status = serializers.CharField()


class ServiceAlertOut(serializers.Serializer[Any]):
    id = serializers.CharField()
    fingerprint = serializers.CharField()
    severity = serializers.CharField()
    status = serializers.CharField()
    title = serializers.CharField()
    message = serializers.CharField(allow_blank=True)
    first_seen_at = serializers.DateTimeField()
    cause_id = serializers.CharField(allow_null=True, help_text="The alert that it is because of.")
    because = serializers.CharField(allow_blank=True)
    effects = serializers.IntegerField(help_text="How many alerts are there because of it.")


class ServiceMetricsOut(serializers.Serializer[Any]):
    """And every number that the probe saw, by its name."""

    uptime = serializers.FloatField(
        help_text="Seconds since it was started, or since it has been seen running."
    )
    requests_handled = serializers.IntegerField(
        help_text="As the service counts them. Where it doesn't: the looks at it in the last 24"
        " hours that it answered."
    )
    avg_response_time_ms = serializers.FloatField(help_text="Of the looks of the last 24 hours.")
    error_rate = serializers.FloatField(
        help_text="The share of the looks of the last 24 hours that failed, from 0 to 1."
    )
    not_measured = serializers.ListField(
        child=serializers.CharField(), help_text="Those of them that are 0 for want of a figure."
    )


class ServiceSummaryOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    type = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    owner = serializers.CharField(allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField())
    node = serializers.CharField(
        allow_blank=True, help_text="Where it is looked at and acted on; empty: anywhere."
    )
    criticality = serializers.ChoiceField(choices=Criticality.values)
    origin = serializers.ChoiceField(
        choices=Origin.values, help_text="`instance`: a part of Nexus itself."
    )
    status = serializers.ChoiceField(choices=STATUSES)
    status_since = serializers.DateTimeField()
    health = serializers.ChoiceField(
        choices=Health.values, help_text="unknown, too, where nobody has looked for too long."
    )
    since = serializers.DateTimeField(help_text="When its health became what it is.")
    reason = serializers.CharField(allow_blank=True)
    desired_state = serializers.ChoiceField(choices=DesiredState.values)
    version = serializers.CharField(allow_blank=True)
    dependencies = serializers.ListField(child=serializers.CharField())
    metrics = ServiceMetricsOut()
    latency_ms = serializers.FloatField(allow_null=True, help_text="Of the last look.")
    probed_at = serializers.DateTimeField(allow_null=True)
    next_probe_at = serializers.DateTimeField()
    maintenance = MaintenanceWindowOut(allow_null=True, help_text="The window that is open now.")
    acting = ActingOut(allow_null=True, help_text="What starts, stops or restarts it now.")
    alert = ServiceAlertOut(allow_null=True, help_text="The unresolved one about it.")


class ServicesOut(serializers.Serializer[Any]):
    services = ServiceSummaryOut(many=True)
    pagination = PaginationOut()


class UptimeOut(serializers.Serializer[Any]):
    """The percentage of the time that is known and not excused; null: nothing is known."""

    def get_fields(self) -> dict[str, serializers.Field]:
        return {name: serializers.FloatField(allow_null=True) for name in LENGTHS}


class ObjectiveOut(serializers.Serializer[Any]):
    target_percent = serializers.FloatField()
    days = serializers.IntegerField()
    allowed_seconds = serializers.FloatField(help_text="The downtime that the objective leaves.")
    used_seconds = serializers.FloatField()
    remaining_seconds = serializers.FloatField(help_text="Negative once more was used.")
    remaining_percent = serializers.FloatField()
    burn_rate_1h = serializers.FloatField(
        allow_null=True, help_text="1 uses up just the budget over the objective's days."
    )
    burn_rate_24h = serializers.FloatField(allow_null=True)


class LastChangeOut(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    by = serializers.CharField(allow_blank=True)


class ServiceOut(ServiceSummaryOut):
    dependents = serializers.ListField(child=serializers.CharField())
    config = serializers.DictField()
    probe = serializers.DictField(help_text="With masks for secrets.")
    controller = serializers.DictField(allow_null=True, help_text="With masks for secrets.")
    actions = serializers.ListField(
        child=serializers.CharField(), help_text="What its controller can do."
    )
    has_logs = serializers.BooleanField()
    problem = serializers.CharField(allow_null=True, help_text="Why its definition can't be used.")
    slo = ObjectiveOut(allow_null=True)
    uptime = UptimeOut()
    restart_policy = serializers.DictField(allow_null=True)
    figures = serializers.DictField(help_text="What the probe saw.")
    failures_in_a_row = serializers.IntegerField()
    recent_errors = ServiceErrorOut(many=True)
    created_at = serializers.DateTimeField()
    last_change = LastChangeOut()


class NodeOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    type = serializers.CharField()
    criticality = serializers.ChoiceField(choices=Criticality.values)
    origin = serializers.ChoiceField(choices=Origin.values)
    status = serializers.ChoiceField(choices=STATUSES)
    health = serializers.ChoiceField(choices=Health.values)
    reason = serializers.CharField(allow_blank=True)


class EdgeOut(serializers.Serializer[Any]):
    service = serializers.CharField()
    needs = serializers.CharField()


class GraphOut(serializers.Serializer[Any]):
    nodes = NodeOut(many=True)
    edges = EdgeOut(many=True)


class ProbeTypeOut(serializers.Serializer[Any]):
    type = serializers.CharField()
    title = serializers.CharField()
    schema = serializers.DictField(help_text="JSON Schema of a configuration.")


class ControllerTypeOut(ProbeTypeOut):
    actions = serializers.ListField(child=serializers.CharField())
    has_logs = serializers.BooleanField()


class TypesOut(serializers.Serializer[Any]):
    probes = ProbeTypeOut(many=True)
    controllers = ControllerTypeOut(many=True)


class DefinitionsOut(serializers.Serializer[Any]):
    services = serializers.ListField(child=serializers.DictField())


class BeforeAndAfterOut(serializers.Serializer[Any]):
    before = AnyField()
    after = AnyField()


class ServiceChangeOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    changes = serializers.DictField(
        child=BeforeAndAfterOut(), help_text="What is another by its field, secrets masked."
    )
    secrets = serializers.ListField(
        child=serializers.CharField(), help_text="The places of secrets that change."
    )


class ImportPlanOut(serializers.Serializer[Any]):
    dry_run = serializers.BooleanField()
    create = serializers.ListField(  # type: ignore[assignment]
        child=serializers.CharField()
    )
    change = ServiceChangeOut(many=True)
    unchanged = serializers.ListField(child=serializers.CharField())
    delete = serializers.ListField(child=serializers.CharField())
