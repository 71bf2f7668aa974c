"""/metrics/rules: how the threshold rules stand. They are changed where they are declared, as
the option `metrics.rules` of /config."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from core.access.scopes import READ_METRICS
from core.api.request import ApiRequest
from core.api.serializers import body_of
from core.api.views import ApiView
from core.metrics.rules import queries
from core.metrics.rules.declared import checked
from core.metrics.rules.serializers import PreviewIn, PreviewOut, RulesOut

PREVIEWED = "preview"


class RulesView(ApiView):
    """The rules."""

    scope = READ_METRICS

    @extend_schema(operation_id="list_metric_rules", responses=RulesOut)
    def get(self, request: ApiRequest) -> Response:
        """Every threshold rule with its state, its newest value and its alert.

        Rules are configuration: change them with `PUT /config`, where the option
        `metrics.rules` holds all of them by their names, under revisions and with the way back.
        """
        return Response({"rules": queries.rules()})


class PreviewView(ApiView):
    """What a rule would have done."""

    scope = READ_METRICS

    @extend_schema(operation_id="preview_metric_rule", request=PreviewIn, responses=PreviewOut)
    def post(self, request: ApiRequest) -> Response:
        """When a rule would have opened and resolved its alert; nothing is changed.

        It is tried on the minutes that are kept. Rules are changed with `PUT /config`, as the
        option `metrics.rules`.
        """
        given = body_of(PreviewIn, request)
        rule = checked(PREVIEWED, given["rule"], within="rule")
        return Response(queries.preview(rule, minutes=given["minutes"]))
