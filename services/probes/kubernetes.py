"""A workload of Kubernetes: how many of its replicas are ready, and whether its rollout gets on."""

from __future__ import annotations

from services.clients import cluster, images
from services.clients.rollouts import Rollout
from services.clients.workloads import Workload
from services.probes.base import Observation, Outcome, Probe, Status, Target, register


@register("kubernetes", title="Kubernetes workload")
class KubernetesProbe(Probe):
    """A Deployment, StatefulSet or DaemonSet. Needs the right to get it."""

    class Configuration(Workload, Probe.Configuration):
        """The fields of both."""

    configuration: Configuration

    def look(self, target: Target) -> Observation:
        with cluster.connected(self.configuration, deadline=target.deadline) as asked:
            seen = asked.read()
        outcome, reason, status = _verdict(seen)
        return Observation(
            outcome=outcome,
            reason=reason,
            status=status,
            version=images.version(seen.images[0]),
            figures={
                "wanted": seen.wanted,
                "ready": seen.ready,
                "updated": seen.updated,
                "available": seen.available,
                "is_rolled_out": seen.is_complete,
                "conditions": dict(seen.conditions),
                "images": list(seen.images),
            },
        )


def _verdict(seen: Rollout) -> tuple[Outcome, str, Status]:
    if seen.wanted == 0:
        return Outcome.FAIL, "it is scaled to no replicas", Status.STOPPED
    stalled = f"its rollout goes no further: {seen.stalled}" if seen.stalled else ""
    ready = f"{seen.ready} of {seen.wanted} replicas are ready" if seen.ready < seen.wanted else ""
    reason = "; ".join(each for each in (ready, stalled) if each)
    if seen.ready == 0:
        return Outcome.FAIL, reason, Status.FAILED if stalled else Status.STARTING
    return Outcome.WARNING if reason else Outcome.PASS, reason, Status.RUNNING
