"""Views that exist only to try the toolkit on."""

from __future__ import annotations

from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError
from rest_framework import serializers
from rest_framework.response import Response

from core.access.models import ApiKey
from core.api import etags, pagination
from core.api.routes import route
from core.api.serializers import StrictSerializer, body_of
from core.api.views import ApiView, bare
from core.errors import Conflict, Detail


class Inner(StrictSerializer):
    size = serializers.IntegerField()


class EchoIn(StrictSerializer):
    name = serializers.CharField(required=False)
    count = serializers.IntegerField(required=False)
    flag = serializers.BooleanField(required=False)
    items = serializers.ListField(child=serializers.IntegerField(), required=False)
    inner = Inner(required=False)


class Open(ApiView):
    scope = None
    is_limited = False


class Echo(Open):
    def get(self, request):
        return bare({"status": "ok"})

    def post(self, request):
        return Response(body_of(EchoIn, request))


RAISED = {
    "conflict": Conflict(
        "It runs already.", details=[Detail("name", "taken", "Taken.")], extra={"task_id": "task_1"}
    ),
    "database": OperationalError("gone"),
    "suspicious": SuspiciousOperation("strange"),
    "surprise": RuntimeError("the secret is 42"),
}


class Raise(Open):
    def get(self, request, what):
        raise RAISED[what]


class Keys(Open):
    def get(self, request):
        rows = ApiKey.objects.values("id", "created_at", "name")
        found, page = pagination.page(rows, request=request)
        return Response({"keys": [row["name"] for row in found], "pagination": page})


class Names(Open):
    def get(self, request):
        rows = ApiKey.objects.values("name", "id")
        found, page = pagination.page(rows, request=request, key=("name", "id"), descending=False)
        return Response({"keys": [row["name"] for row in found], "pagination": page})


class Tagged(Open):
    document = {"value": 1}

    def get(self, request):
        return etags.with_etag(request, self.document)

    def put(self, request):
        etags.check_match(request.META.get("HTTP_IF_MATCH"), etags.etag_of(self.document))
        return Response(status=204)


urlpatterns = [
    route("api/echo", Echo.as_view()),
    route("api/raise/<str:what>", Raise.as_view()),
    route("api/keys", Keys.as_view()),
    route("api/names", Names.as_view()),
    route("api/tagged", Tagged.as_view()),
]
