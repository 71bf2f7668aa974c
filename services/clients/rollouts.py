"""A workload of Kubernetes as its API tells it, whatever its kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

REPLICAS = "nexus/replicas"  # the annotation that keeps how many there were before a stop


@dataclass(frozen=True, slots=True)
class Rollout:
    """How far the wanted replicas are. `existing` counts those of former revisions too;
    `stalled` is why it goes no further; `blocked` why no restart would ever come about."""

    generation: int
    observed: int
    wanted: int
    existing: int
    updated: int
    ready: int
    available: int
    images: tuple[str, ...]
    conditions: Mapping[str, str]
    stalled: str
    blocked: str
    before_stop: str
    selector: str

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        metadata, spec = document["metadata"], document["spec"]
        status = document.get("status") or {}
        of_nodes = document["kind"] == "DaemonSet"
        count = status.get
        conditions = status.get("conditions") or ()
        return cls(
            generation=metadata["generation"],
            observed=count("observedGeneration", 0),
            wanted=count("desiredNumberScheduled", 0) if of_nodes else spec.get("replicas", 1),
            existing=count("currentNumberScheduled" if of_nodes else "replicas", 0),
            updated=count("updatedNumberScheduled" if of_nodes else "updatedReplicas", 0),
            ready=count("numberReady" if of_nodes else "readyReplicas", 0),
            available=count("numberAvailable" if of_nodes else "availableReplicas", 0),
            images=tuple(each["image"] for each in spec["template"]["spec"]["containers"]),
            conditions={each["type"]: each["status"] for each in conditions},
            stalled=_stalled(conditions),
            blocked=_blocked(spec),
            before_stop=(metadata.get("annotations") or {}).get(REPLICAS, ""),
            selector=_selector(spec["selector"]),
        )

    @property
    def is_observed(self) -> bool:
        """Whether the rest is about what was asked for last."""
        return self.observed >= self.generation

    @property
    def is_complete(self) -> bool:
        return (
            self.is_observed
            and self.updated >= self.wanted
            and self.existing <= self.wanted
            and self.available >= self.wanted
        )

    @property
    def is_down(self) -> bool:
        return self.is_observed and self.wanted == 0 and self.existing == 0


def _stalled(conditions: Any) -> str:
    for each in conditions:
        if each["type"] == "Progressing" and each.get("reason") == "ProgressDeadlineExceeded":
            return each.get("message") or "its progress deadline is exceeded"
    return ""


def _blocked(spec: Mapping[str, Any]) -> str:
    if spec.get("paused"):
        return "its rollout is paused"
    if (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
        return "its update strategy is OnDelete"
    return ""


def _selector(selector: Mapping[str, Any]) -> str:
    """As the API takes it in an address."""
    terms = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for each in selector.get("matchExpressions") or ():
        key, values = each["key"], ",".join(each.get("values") or ())
        terms.append(
            {
                "In": f"{key} in ({values})",
                "NotIn": f"{key} notin ({values})",
                "Exists": key,
                "DoesNotExist": f"!{key}",
            }[each["operator"]]
        )
    return ",".join(terms)
