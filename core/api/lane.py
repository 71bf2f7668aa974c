"""The API's own, shorter list of middleware."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string


class ApiLane:
    """First in MIDDLEWARE: paths below /api/ leave the list here and run API_MIDDLEWARE."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        handler = BaseHandler()
        handler._view_middleware = []
        handler._template_response_middleware = []
        handler._exception_middleware = []
        lane = convert_exception_to_response(handler._get_response)
        for path in reversed(settings.API_MIDDLEWARE):
            lane = convert_exception_to_response(import_string(path)(lane))
        self.lane = lane

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/api/"):
            return self.lane(request)
        return self.get_response(request)
