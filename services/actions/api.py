"""`/services/{service_name}/restart|start|stop|logs`."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from core.access.scopes import ADMIN_SERVICES, READ_SYSTEM
from core.api.request import ApiRequest
from core.api.schema import PREFER, raises
from core.api.serializers import body_of, query_of
from core.api.views import ApiView
from services.actions import operations, queries
from services.actions.current import ControllerUnusable
from services.actions.elsewhere import FailedThere, NodeUnavailable
from services.actions.logs import NoLogs
from services.actions.plan import (
    ActionNotSupported,
    DependenciesStopped,
    DependentsRunning,
    Others,
)
from services.actions.serializers import (
    ActionIn,
    ActionOut,
    ActionQueryIn,
    DoneOrPlannedOut,
    LogsQueryIn,
    ServiceLogsOut,
)
from services.controllers.base import RESTART, START, STOP, ActionFailed
from tasks.api import waited
from tasks.operations import AlreadyRunning

WAIT_SECONDS = 30.0
REFUSALS = (ActionNotSupported, ControllerUnusable, AlreadyRunning, NodeUnavailable)


def described(action: str) -> Any:
    return extend_schema(
        operation_id=f"{action}_service",
        parameters=[ActionQueryIn, PREFER],
        request=ActionIn,
        responses={200: DoneOrPlannedOut, 202: ActionOut},
    )


class ActionView(ApiView):
    """What the three actions have in common."""

    scope = ADMIN_SERVICES
    action: ClassVar[str]

    def answered(self, request: ApiRequest, name: str) -> Response:
        """With the end of the action, how it stands when the wait is over, or its plan."""
        query = query_of(ActionQueryIn, request)
        given = body_of(ActionIn, request)
        others = Others.CASCADE if query["cascade"] else Others.REFUSE
        if query["dry_run"]:
            found = operations.preview(
                name=name, action=self.action, others=others, actor=request.user
            )
            return Response(found.document())
        task = operations.act(
            name=name, action=self.action, others=others, actor=request.user, **given
        )
        return waited(request, task, queries.document, default_wait=WAIT_SECONDS)


class RestartView(ActionView):
    action = RESTART

    @raises(*REFUSALS, DependentsRunning)
    @described(RESTART)
    def post(self, request: ApiRequest, service_name: str) -> Response:
        """Restart a service and wait until it is healthy again. With cascade its running
        dependents are stopped before, and started after it, in the order of dependency; those
        that can only be restarted are so afterwards."""
        return self.answered(request, service_name)


class StartView(ActionView):
    action = START

    @raises(*REFUSALS, DependenciesStopped)
    @described(START)
    def post(self, request: ApiRequest, service_name: str) -> Response:
        """Start a service and wait until it is healthy. With cascade the stopped ones that it
        needs are started before."""
        return self.answered(request, service_name)


class StopView(ActionView):
    action = STOP

    @raises(*REFUSALS, DependentsRunning)
    @described(STOP)
    def post(self, request: ApiRequest, service_name: str) -> Response:
        """Stop a service; it counts as stopped on purpose until it is started. With cascade its
        running dependents are stopped before."""
        return self.answered(request, service_name)


class LogsView(ApiView):
    scope = READ_SYSTEM

    @raises(ActionFailed, FailedThere, NoLogs, ActionNotSupported, ControllerUnusable)
    @extend_schema(
        operation_id="get_service_logs", parameters=[LogsQueryIn], responses=ServiceLogsOut
    )
    def get(self, request: ApiRequest, service_name: str) -> Response:
        """The newest lines of the service's own log, where its controller can read it."""
        lines = query_of(LogsQueryIn, request)["lines"]
        found = operations.read_logs(name=service_name, lines=lines, actor=request.user)
        return Response({"service": service_name, "lines": found})
