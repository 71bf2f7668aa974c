from __future__ import annotations

import pytest

from services.controllers.base import ActionFailed, OutcomeUnknown
from services.controllers.kubernetes import KubernetesController
from tasks.interrupts import CancelRequested
from tests.services import kubernetes_api
from tests.services.acts import Act
from tests.services.kubernetes_api import TOKEN, cluster, rolling

pytestmark = pytest.mark.usefixtures("loopback_allowed")


@pytest.fixture
def shop():
    with cluster() as made:
        yield made


def controller(shop, **configuration) -> KubernetesController:
    given = {"host": shop.url, "token": TOKEN, "namespace": "shop", "name": "web"}
    return KubernetesController(
        KubernetesController.Configuration.model_validate({**given, **configuration})
    )


def unchanged(workload) -> None:
    """A look before the controllers have done anything."""


def restarted_at(shop) -> str:
    return shop.workload["spec"]["template"]["metadata"]["annotations"][
        "kubectl.kubernetes.io/restartedAt"
    ]


def test_a_restart_waits_until_its_rollout_is_complete(shop):
    shop.steps = [
        unchanged,
        unchanged,
        rolling(replicas=4, updatedReplicas=1, availableReplicas=3),
        rolling(replicas=4, updatedReplicas=3, availableReplicas=3),  # a former one is left
        rolling(replicas=3, updatedReplicas=3, availableReplicas=2),
        rolling(replicas=3, updatedReplicas=3, availableReplicas=3),
    ]
    act = Act()

    controller(shop).restart(act)

    assert not shop.steps
    assert restarted_at(shop) == act.since.isoformat(timespec="seconds")
    assert act.checkpoints == 4


def test_a_repeated_restart_begins_no_second_rollout(shop):
    act = Act()
    shop.steps = [unchanged, rolling()]
    controller(shop).restart(act)
    generation = shop.workload["metadata"]["generation"]

    controller(shop).restart(act)

    assert shop.workload["metadata"]["generation"] == generation == 5


def test_a_rollout_that_goes_no_further_is_a_failure(shop):
    def stall(workload):
        rolling(updatedReplicas=1)(workload)
        workload["status"]["conditions"][1] = {
            "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
            "message": 'ReplicaSet "web-8d1" has timed out progressing.',
        }  # fmt: skip

    shop.steps = [unchanged, stall]

    with pytest.raises(ActionFailed, match="web-8d1"):
        controller(shop).restart(Act())


def test_a_stall_of_the_rollout_before_is_none_of_this_one(shop):
    shop.workload["status"]["conditions"][1].update(
        status="False", reason="ProgressDeadlineExceeded", message="before"
    )

    def recover(workload):
        rolling()(workload)
        workload["status"]["conditions"][1].update(status="True", reason="ReplicaSetUpdated")

    shop.steps = [unchanged, unchanged, recover]
    controller(shop).restart(Act())

    assert not shop.steps


def test_an_api_server_that_stumbles_meanwhile_is_asked_again(shop):
    made = controller(shop)

    def stumble(workload):
        shop.failures = [(503, "the server is currently unable"), (429, "too many requests")]

    shop.steps = [unchanged, stumble, rolling()]
    made.restart(Act())

    assert not shop.failures
    assert not shop.steps


@pytest.mark.parametrize(
    ("change", "why"),
    [({"paused": True}, "paused"), ({"updateStrategy": {"type": "OnDelete"}}, "OnDelete")],
)
def test_a_restart_that_would_never_come_about_is_refused(shop, change, why):
    shop.workload["spec"].update(change)

    with pytest.raises(ActionFailed, match=why):
        controller(shop).restart(Act())
    assert not shop.patches


def test_a_wait_can_be_cancelled(shop):
    shop.steps = [unchanged] * 9

    with pytest.raises(CancelRequested):
        controller(shop).restart(Act(cancelled_at=2))


def test_a_stop_scales_to_nothing_and_a_start_back(shop):
    shop.steps = [unchanged, rolling(replicas=1), rolling(replicas=0)]
    made = controller(shop)

    made.stop(Act())
    assert shop.workload["spec"]["replicas"] == 0
    assert not shop.steps
    made.stop(Act())
    made.start(Act())

    assert shop.workload["spec"]["replicas"] == 3
    assert "nexus/replicas" not in shop.workload["metadata"]["annotations"]
    made.start(Act())
    assert len(shop.patches) == 2


def test_a_restart_of_what_is_scaled_to_nothing_starts_it(shop):
    shop.workload = kubernetes_api.deployment(replicas=0)
    shop.steps = [unchanged, unchanged, rolling(replicas=1, updatedReplicas=1, availableReplicas=1)]

    controller(shop).restart(Act())

    assert shop.workload["spec"]["replicas"] == 1


def test_a_stateful_set_is_restarted_likewise(shop):
    shop.workload = kubernetes_api.stateful_set()
    shop.steps = [unchanged, rolling(updatedReplicas=1), rolling(updatedReplicas=3)]

    controller(shop, kind="StatefulSet").restart(Act())

    assert not shop.steps


def test_a_daemon_set_can_only_be_restarted(shop):
    made = controller(shop, kind="DaemonSet")

    assert [each for each in ("start", "stop", "restart") if made.can(each)] == ["restart"]


def test_logs_are_those_of_the_newest_pod(shop):
    assert controller(shop).logs(2) == ["web line 3", "web line 4"]
    assert controller(shop, container="proxy").logs(1) == ["proxy line 4"]
    listed = next(each for each in shop.asked if "/pods?" in each)
    assert "labelSelector=app%3Dweb%2Ctier+notin+%28test%2Ctrial%29" in listed.replace("%20", "+")


def test_without_a_pod_there_are_no_logs(shop):
    shop.pods = []

    with pytest.raises(ActionFailed, match="has no pod"):
        controller(shop).logs(2)


def test_what_the_api_server_refuses_is_a_failure_with_its_words(shop):
    shop.failures = [(403, 'deployments.apps "web" is forbidden: User cannot get resource')]

    with pytest.raises(ActionFailed, match="is forbidden"):
        controller(shop).restart(Act())


def test_a_cluster_that_is_not_there_is_a_failure(shop):
    with pytest.raises(ActionFailed, match="can't be reached"):
        controller(shop, host="http://127.0.0.1:1").restart(Act())


def test_an_api_server_that_fails_is_a_failure_before_and_unknown_once_it_was_asked(shop):
    shop.failures = [(503, "starting up")]
    with pytest.raises(ActionFailed, match="starting up"):
        controller(shop).restart(Act())

    def fail_next(workload):
        shop.failures = [(500, "etcd has no leader")]

    shop.steps = [fail_next]
    with pytest.raises(OutcomeUnknown, match="no leader"):
        controller(shop).restart(Act())
