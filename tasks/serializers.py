"""The API's documents of tasks. They document and validate; answers are rendered from dicts."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.serializers import PageIn, PaginationOut, StrictSerializer
from tasks.models import Status

SHOWN = [*Status.values, "cancelling"]


class ErrorOut(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class TaskSummaryOut(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="`task_` and 26 characters.")
    type = serializers.CharField()
    status = serializers.ChoiceField(choices=SHOWN)
    progress = serializers.FloatField(help_text="0 to 1; never goes back.")
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    estimated_completion = serializers.DateTimeField(
        allow_null=True,
        help_text="From earlier runs and this run's pace; null with fewer than 3 earlier runs.",
    )
    details = serializers.DictField(help_text="The parameters.")
    result = serializers.DictField(allow_null=True)
    error = ErrorOut(allow_null=True)


class TaskListOut(serializers.Serializer[Any]):
    tasks = TaskSummaryOut(many=True)
    pagination = PaginationOut()


class LogLineOut(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="Give it as `after` to read on.")
    timestamp = serializers.DateTimeField()
    level = serializers.CharField()
    message = serializers.CharField()


class TaskOut(TaskSummaryOut):
    details = serializers.DictField(help_text="The parameters, and `steps` with their states.")
    logs = LogLineOut(many=True, help_text="The newest 100 lines, oldest first.")
    attempts = serializers.IntegerField()
    queue = serializers.CharField()
    actor = serializers.CharField()
    retry_of = serializers.CharField(allow_null=True)


class TaskLogsOut(serializers.Serializer[Any]):
    logs = LogLineOut(many=True)
    next_after = serializers.IntegerField(help_text="The `after` of the next page.")


class CancelOut(serializers.Serializer[Any]):
    id = serializers.CharField()
    status = serializers.ChoiceField(choices=["cancelled", "cancelling", "completed", "failed"])
    cancelled_at = serializers.DateTimeField(allow_null=True)


class TaskListIn(PageIn):
    status = serializers.ChoiceField(choices=Status.choices, required=False)
    type = serializers.CharField(max_length=100, required=False)


class TaskLogsIn(StrictSerializer):
    after = serializers.IntegerField(min_value=0, max_value=2**63 - 1, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=500, default=100)
