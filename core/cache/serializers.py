"""What goes in and out of `/cache`, for validation and the schema."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.serializers import StrictSerializer
from core.cache.operations import ALL, LEVELS
from core.cache.patterns import LONGEST

# Without NUL, each \ before a character, each [ with its ].
GLOB = r"^(?:[^\u0000\\\[]|\\[^\u0000]|\[(?:[^\u0000\\\]]|\\[^\u0000])*\])+$"


class ClearIn(StrictSerializer):
    pattern = serializers.RegexField(
        GLOB,
        required=False,
        max_length=LONGEST,
        trim_whitespace=False,
        help_text="A glob on the keys as the code names them; without one every key.",
    )
    level = serializers.ChoiceField(
        choices=list(LEVELS), required=False, help_text=f"`{ALL}` when it is left out."
    )


class ClearQueryIn(ClearIn):
    dry_run = serializers.BooleanField(
        default=False, help_text="Only count what matches, and name some of it."
    )


class ProcessesOut(serializers.Serializer[Any]):
    cleared = serializers.IntegerField(help_text="Processes that have forgotten.")
    unanswered = serializers.ListField(
        child=serializers.CharField(), help_text="Ids of processes that did not say so in time."
    )


class ClearOut(serializers.Serializer[Any]):
    cleared_keys = serializers.IntegerField(
        help_text="On the server; of L1 alone: entries of all processes."
    )
    pattern = serializers.CharField(allow_null=True)
    levels = serializers.ListField(child=serializers.CharField())
    status = serializers.CharField()
    processes = ProcessesOut()
    dry_run = serializers.BooleanField(required=False)
    matching_keys = serializers.IntegerField(required=False)
    sample_keys = serializers.ListField(child=serializers.CharField(), required=False)
    task_id = serializers.CharField(required=False, help_text="When it goes on as a task.")


class MemoryOut(serializers.Serializer[Any]):
    used_mb = serializers.FloatField()
    available_mb = serializers.FloatField()
    total_mb = serializers.FloatField()


class StatisticsOut(serializers.Serializer[Any]):
    hit_rate = serializers.FloatField(help_text="Of all look-ups, at either level.")
    miss_rate = serializers.FloatField()
    total_hits = serializers.IntegerField()
    total_misses = serializers.IntegerField()
    evictions = serializers.IntegerField()
    invalidations = serializers.IntegerField(
        help_text="Entries of L1 dropped because another process wrote."
    )


class LevelOut(serializers.Serializer[Any]):
    level = serializers.ChoiceField(choices=["L1", "L2"])
    type = serializers.CharField()
    size_mb = serializers.FloatField(help_text="What it may take.")
    used_mb = serializers.FloatField()
    hit_rate = serializers.FloatField(help_text="Of the look-ups that reached this level.")
    evictions = serializers.IntegerField()
    entries = serializers.IntegerField(required=False)
    coherent_processes = serializers.IntegerField(required=False)
    answers = serializers.BooleanField(required=False)


class CacheStatusOut(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["healthy", "degraded"])
    reason = serializers.CharField(allow_null=True)
    memory_usage = MemoryOut()
    statistics = StatisticsOut()
    cache_levels = LevelOut(many=True)
    processes = serializers.IntegerField()


class PrefixesIn(StrictSerializer):
    limit = serializers.IntegerField(min_value=1, max_value=100, default=20)


class PrefixOut(serializers.Serializer[Any]):
    prefix = serializers.CharField()
    keys = serializers.IntegerField(help_text="Estimated when the sample is not complete.")
    bytes = serializers.IntegerField()
    sampled_keys = serializers.IntegerField()


class PrefixesOut(serializers.Serializer[Any]):
    prefixes = PrefixOut(many=True)
    total_keys = serializers.IntegerField()
    total_bytes = serializers.IntegerField()
    sampled_keys = serializers.IntegerField()
    is_complete = serializers.BooleanField()
