"""What the addresses of the actions take in and give out."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import serializers

from core.api.serializers import StrictSerializer
from services.actions.logs import MAX_LINES
from services.actions.operations import LONGEST_SECONDS, MAX_REASON, SHORTEST_SECONDS
from services.actions.queries import OUTCOME_UNKNOWN
from services.controllers.base import RESTART, START, STOP
from tasks.models import Status

ACTIONS = [START, STOP, RESTART]
STATUSES = [*Status.values, "cancelling"]


class ActionQueryIn(StrictSerializer):
    cascade = serializers.BooleanField(
        default=False,
        help_text="Act upon the services that it concerns, too: running dependents of what is"
        " stopped or restarted, stopped dependencies of what is started.",
    )
    dry_run = serializers.BooleanField(
        default=False, help_text="Tell what would be done, and to whom; do nothing."
    )


class ActionIn(StrictSerializer):
    reason = serializers.CharField(
        max_length=MAX_REASON, allow_blank=True, required=False, help_text="For the others."
    )
    timeout_seconds = serializers.FloatField(
        min_value=SHORTEST_SECONDS,
        max_value=LONGEST_SECONDS,
        required=False,
        help_text="How long each service may take until it is healthy;"
        " services.restart_timeout_seconds unless it is given.",
    )


class ActionErrorOut(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class ActOut(serializers.Serializer[Any]):
    service = serializers.CharField()
    action = serializers.ChoiceField(choices=ACTIONS)
    status = serializers.ChoiceField(
        choices=[*Status.values, OUTCOME_UNKNOWN],
        help_text="cancelled: not begun, or stopped half-way. outcome_unknown: nobody can say"
        " whether it took effect.",
    )
    duration_ms = serializers.FloatField(allow_null=True, help_text="So far; null: not begun.")
    error = ActionErrorOut(allow_null=True)


class ActionOut(serializers.Serializer[Any]):
    service = serializers.CharField()
    action = serializers.ChoiceField(choices=ACTIONS)
    status = serializers.ChoiceField(choices=STATUSES)
    duration_ms = serializers.FloatField(help_text="From the request to the end, or so far.")
    services = ActOut(many=True, help_text="What is done, in this order.")
    affected = serializers.ListField(
        child=serializers.CharField(),
        help_text="Services that it concerns and that nothing is done to.",
    )
    reason = serializers.CharField(allow_blank=True)
    error = ActionErrorOut(allow_null=True)
    task_id = serializers.CharField()


class PlanStepOut(serializers.Serializer[Any]):
    service = serializers.CharField()
    action = serializers.ChoiceField(choices=[*ACTIONS, "wait"])
    step = serializers.CharField(help_text="As it will be called in the task.")


class ActionPlanOut(serializers.Serializer[Any]):
    service = serializers.CharField()
    action = serializers.ChoiceField(choices=ACTIONS)
    dry_run = serializers.BooleanField()
    steps = PlanStepOut(many=True)
    affected = serializers.ListField(child=serializers.CharField())
    dependents_running = serializers.ListField(
        child=serializers.CharField(), help_text="Without cascade it is refused for these."
    )
    dependencies_stopped = serializers.ListField(
        child=serializers.CharField(), help_text="Without cascade it is refused for these."
    )


DoneOrPlannedOut = PolymorphicProxySerializer(
    component_name="DoneOrPlanned",
    serializers=[ActionOut, ActionPlanOut],
    resource_type_field_name=None,
)


class LogsQueryIn(StrictSerializer):
    lines = serializers.IntegerField(min_value=1, max_value=MAX_LINES, default=100)


class ServiceLogsOut(serializers.Serializer[Any]):
    service = serializers.CharField()
    lines = serializers.ListField(
        child=serializers.CharField(), help_text="The newest, the oldest of them first."
    )
