"""What the addresses of the rules take in and give out."""

from __future__ import annotations

from typing import Any, get_args

from rest_framework import serializers

from core.api.serializers import StrictSerializer
from core.metrics.rules import queries
from core.metrics.rules.declared import (
    MOST_DESCRIPTION,
    MOST_MINUTES,
    SERIES,
    Condition,
    NoData,
    Severity,
)


class RuleIn(StrictSerializer):
    """A rule as the configuration has it."""

    series = serializers.RegexField(SERIES, help_text="Or `instrument:statistic`.")
    condition = serializers.ChoiceField(choices=get_args(Condition))
    threshold = serializers.FloatField(help_text="In the unit of the series.")
    for_minutes = serializers.IntegerField(min_value=1, max_value=MOST_MINUTES)
    recovery = serializers.FloatField(
        required=False, help_text="Inside the threshold; 10 % inside, when left out."
    )
    recover_minutes = serializers.IntegerField(
        required=False, min_value=1, max_value=MOST_MINUTES,
        help_text="As `for_minutes`, when left out.",
    )  # fmt: skip
    severity = serializers.ChoiceField(choices=get_args(Severity), default="warning")
    no_data = serializers.ChoiceField(
        choices=get_args(NoData), default="keep",
        help_text="What a minute without data counts as: neither, recovered (`resolve`), or"
        " beyond the threshold (`alert`).",
    )  # fmt: skip
    enabled = serializers.BooleanField(required=False, help_text="Makes no difference here.")
    description = serializers.CharField(
        required=False, allow_blank=True, max_length=MOST_DESCRIPTION, trim_whitespace=False
    )


class PreviewIn(StrictSerializer):
    rule = RuleIn()
    minutes = serializers.IntegerField(
        min_value=1, max_value=queries.MOST_PREVIEW, default=queries.USUAL_PREVIEW,
        help_text="How far to look back, as far as minutes are kept.",
    )  # fmt: skip


class RuleOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    series = serializers.CharField()
    condition = serializers.ChoiceField(choices=get_args(Condition))
    threshold = serializers.FloatField()
    for_minutes = serializers.IntegerField()
    recovery = serializers.FloatField()
    recover_minutes = serializers.IntegerField()
    severity = serializers.ChoiceField(choices=get_args(Severity))
    no_data = serializers.ChoiceField(choices=get_args(NoData))
    enabled = serializers.BooleanField()
    description = serializers.CharField(allow_blank=True)


class RuleStateOut(RuleOut):
    title = serializers.CharField(allow_null=True, help_text="Of the series; null: unknown.")
    unit = serializers.CharField(allow_null=True, allow_blank=True)
    state = serializers.ChoiceField(choices=queries.STATES)
    value = serializers.FloatField(allow_null=True, help_text="In the newest minute.")
    since = serializers.DateTimeField(allow_null=True, help_text="When the state began.")
    evaluated_at = serializers.DateTimeField(
        allow_null=True, help_text="The end of the newest minute that was evaluated."
    )
    alert = serializers.CharField(allow_null=True, help_text="The unresolved one: `alert_…`.")


class RulesOut(serializers.Serializer[Any]):
    rules = RuleStateOut(many=True)


class FiringOut(serializers.Serializer[Any]):
    since = serializers.DateTimeField(help_text="The first minute beyond the threshold.")
    opened_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)
    worst = serializers.FloatField(allow_null=True)


class PreviewOut(serializers.Serializer[Any]):
    rule = RuleOut()
    unit = serializers.CharField(allow_blank=True)
    start = serializers.DateTimeField(help_text="Where the series was measured first.")
    end = serializers.DateTimeField()
    minutes = serializers.IntegerField()
    measured_minutes = serializers.IntegerField()
    lowest = serializers.FloatField(allow_null=True)
    highest = serializers.FloatField(allow_null=True)
    newest = serializers.FloatField(allow_null=True)
    firing = serializers.BooleanField(help_text="Whether it would be firing now.")
    firings = FiringOut(many=True)
