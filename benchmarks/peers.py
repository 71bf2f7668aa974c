"""What Nexus is measured against, in the same server processes, at `/peer/<name>`:

- bare: a Django JsonResponse view without middleware
- bare-status: the same with a document as long as that of /status
- drf: a Django REST framework view as it comes, without middleware
- drf-usual: the same below Django's default middleware and django-prometheus, where installed
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test.utils import override_settings
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

HAS_PROMETHEUS = find_spec("django_prometheus") is not None
DEFAULT_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
PROMETHEUS = (  # around all others
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
)
USUAL_MIDDLEWARE = (
    [PROMETHEUS[0], *DEFAULT_MIDDLEWARE, PROMETHEUS[1]] if HAS_PROMETHEUS else DEFAULT_MIDDLEWARE
)

SHORT = {"status": "ok", "timestamp": "2024-01-01T12:00:00Z"}
AS_LONG_AS_STATUS = {
    "status": "healthy",
    "version": "1.0.0",
    "environment": "production",
    "uptime": 86400,
    "components": {
        name: {"status": "healthy", "response_time_ms": 1.25, "age_seconds": 0.5, "reason": None}
        for name in (
            "database", "cache", "event_bus", "task_queue", "scheduler", "plugins", "disk",
        )
    },
}  # fmt: skip


def bare(request: HttpRequest) -> HttpResponse:
    return JsonResponse(SHORT)


def bare_status(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"success": True, "data": AS_LONG_AS_STATUS})


class StockView(APIView):
    """What Django REST framework does by default, with nothing of ours."""

    renderer_classes = [JSONRenderer]
    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = []
    schema = None

    def get(self, request: Request) -> Response:
        return Response({"success": True, "data": AS_LONG_AS_STATUS})


Handler = Callable[[HttpRequest], HttpResponse]


class PeerLanes:
    """First in MIDDLEWARE: a peer runs its own list of middleware, and none of ours."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.without = lane([])
        self.usual = lane(USUAL_MIDDLEWARE)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if not path.startswith("/peer/"):
            return self.get_response(request)
        return self.usual(request) if path.endswith("-usual") else self.without(request)


def lane(middleware: list[str]) -> Handler:
    """What Django's handler calls with this list of middleware."""
    handler = BaseHandler()
    with override_settings(MIDDLEWARE=middleware):
        handler.load_middleware()
    chain: Handler = handler._middleware_chain  # type: ignore[attr-defined]
    return chain
