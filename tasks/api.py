"""/tasks: list, detail, log, cancel, retry; and how a view answers with work that may take long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.reverse import reverse

from core.access.scopes import ADMIN_TASKS, READ_SYSTEM
from core.api.pagination import page
from core.api.request import ApiRequest
from core.api.schema import raises
from core.api.serializers import query_of
from core.api.views import ApiView
from core.api.waiting import answer, wait_seconds
from tasks import doorbell, operations, queries
from tasks.models import Task
from tasks.operations import AlreadyFinished, AlreadyRunning, NotRetryable
from tasks.serializers import (
    CancelOut,
    TaskListIn,
    TaskListOut,
    TaskLogsIn,
    TaskLogsOut,
    TaskOut,
)


def waited(
    request: ApiRequest,
    task: Task,
    document: Callable[[Task], dict[str, Any]],
    *,
    default_wait: float = 30.0,
    status: int = 200,
) -> Response:
    """Answer with `document(task)` once the task is finished, or with 202 as it stands.

    Waits as long as the client's `Prefer` says, `default_wait` seconds without one, and not
    at all while the broker takes no messages. A finished document goes out with `status`.
    """
    seconds = wait_seconds(request, default=default_wait) if doorbell.reachable() else 0.0
    task = queries.wait_until_finished(task.id, seconds)
    return answer(
        document(task),
        finished=task.finished,
        task_id=task.external_id,
        location=location(task),
        status=status,
        request=request,
    )


def location(task: Task) -> str:
    return reverse("task-detail", args=[task.external_id])


class TaskList(ApiView):
    scope = READ_SYSTEM

    @extend_schema(operation_id="list_tasks", parameters=[TaskListIn], responses=TaskListOut)
    def get(self, request: ApiRequest) -> Response:
        query = query_of(TaskListIn, request)
        rows = queries.list_tasks(status=query.get("status"), type=query.get("type"))
        found, pagination = page(rows, request=request)
        return Response({"tasks": queries.summaries(found), "pagination": pagination})


class TaskDetail(ApiView):
    scope = READ_SYSTEM
    scopes: ClassVar[dict[str, str | None]] = {"DELETE": ADMIN_TASKS}

    @extend_schema(operation_id="get_task", responses=TaskOut)
    def get(self, request: ApiRequest, task_id: str) -> Response:
        return Response(queries.document(queries.internal_id(task_id)))

    @raises(AlreadyFinished)
    @extend_schema(
        operation_id="cancel_task", request=None, responses={200: CancelOut, 202: CancelOut}
    )
    def delete(self, request: ApiRequest, task_id: str) -> Response:
        task = operations.cancel(task_id=queries.internal_id(task_id), actor=request.user)
        return waited(
            request, task, queries.cancellation, default_wait=operations.CANCEL_WAIT.value
        )


class TaskRetry(ApiView):
    scope = ADMIN_TASKS

    @raises(NotRetryable, AlreadyRunning)
    @extend_schema(operation_id="retry_task", request=None, responses={202: TaskOut})
    def post(self, request: ApiRequest, task_id: str) -> Response:
        task = operations.retry(task_id=queries.internal_id(task_id), actor=request.user)
        return Response(queries.document(task.id), status=202, headers={"Location": location(task)})


class TaskLogs(ApiView):
    scope = READ_SYSTEM

    @extend_schema(operation_id="list_task_logs", parameters=[TaskLogsIn], responses=TaskLogsOut)
    def get(self, request: ApiRequest, task_id: str) -> Response:
        query = query_of(TaskLogsIn, request)
        task = queries.get(queries.internal_id(task_id))
        lines = queries.log_lines_after(task.id, after=query["after"], limit=query["limit"])
        last = lines[-1]["id"] if lines else query["after"]
        return Response({"logs": lines, "next_after": last})
