from __future__ import annotations

import json

import pydantic
import pytest
from django.test import override_settings

from core.health.checks import Outcome
from services.probes.base import Status
from services.probes.kubernetes import KubernetesProbe
from tests.services import kubernetes_api
from tests.services.kubernetes_api import TOKEN, cluster
from tests.web_servers import certificate


@pytest.fixture
def shop():
    with cluster() as made:
        yield made


@pytest.fixture
def seen_of(look):
    """What a look at the workload of a cluster sees."""

    def seen_of(made, **configuration):
        given = {"host": made.url, "token": TOKEN, "namespace": "shop", "name": "web"}
        return look("kubernetes", **{**given, "timeout": 5.0, **configuration})

    return seen_of


def test_a_rolled_out_workload_is_healthy(shop, seen_of):
    seen = seen_of(shop)

    assert seen.outcome is Outcome.PASS
    assert seen.status is Status.RUNNING
    assert seen.version == "2.1.0"
    assert seen.figures["wanted"] == seen.figures["ready"] == 3
    assert seen.figures["is_rolled_out"]
    assert seen.figures["conditions"] == {"Available": "True", "Progressing": "True"}


@pytest.mark.parametrize(
    ("status", "outcome", "running", "reason"),
    [
        ({"readyReplicas": 2}, Outcome.WARNING, Status.RUNNING, "2 of 3 replicas are ready"),
        ({"readyReplicas": 0}, Outcome.FAIL, Status.STARTING, "0 of 3 replicas are ready"),
        (
            {"readyReplicas": 0, "conditions": [{
                "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
                "message": 'ReplicaSet "web-7c9" has timed out progressing.'}]},
            Outcome.FAIL, Status.FAILED,
            "0 of 3 replicas are ready; its rollout goes no further:"
            ' ReplicaSet "web-7c9" has timed out progressing.',
        ),
    ],
)  # fmt: skip
def test_replicas_that_are_not_ready_are_told(shop, seen_of, status, outcome, running, reason):
    shop.workload["status"].update(status)

    seen = seen_of(shop)

    assert (seen.outcome, seen.status, seen.reason) == (outcome, running, reason)


def test_one_that_is_scaled_to_nothing_is_stopped(shop, seen_of):
    shop.workload = kubernetes_api.deployment(replicas=0)

    seen = seen_of(shop)

    assert (seen.outcome, seen.status) == (Outcome.FAIL, Status.STOPPED)


def test_a_new_workload_without_any_status_is_starting(shop, seen_of):
    shop.workload["status"] = {}

    assert seen_of(shop).status is Status.STARTING


def test_the_nodes_of_a_daemon_set_are_its_replicas(shop, seen_of):
    shop.workload = kubernetes_api.daemon_set()

    seen = seen_of(shop, kind="DaemonSet")

    assert seen.outcome is Outcome.WARNING
    assert seen.reason == "2 of 3 replicas are ready"


def test_a_workload_that_is_gone_and_a_wrong_token_are_told(shop, seen_of):
    gone = seen_of(shop, name="other")
    strange = seen_of(shop, token="wrong-one")

    assert gone.reason == 'deployments.apps "other" not found'
    assert strange.reason == "Unauthorized"


def test_it_is_looked_at_over_tls(seen_of, tmp_path):
    context, authority = certificate(tmp_path, days=30)
    with cluster(context) as made:
        seen = seen_of(made, ca_certificate=authority)
        strange = seen_of(made)

    assert seen.outcome is Outcome.PASS
    assert strange.outcome is Outcome.FAIL
    assert "not trusted" in strange.reason


def test_the_kubeconfig_of_the_server_may_lead_anywhere(shop, look, nothing_allowed, tmp_path):
    """Its administrator has written it, so no network has to be allowed for it."""
    file = tmp_path / "kubeconfig.json"
    contexts = [{"name": "shop", "context": {"cluster": "one", "user": "nexus"}}]
    users = [{"name": "nexus", "user": {"token": TOKEN}}]
    clusters = [{"name": "one", "cluster": {"server": shop.url}}]
    document = {"apiVersion": "v1", "kind": "Config", "current-context": "shop"}
    file.write_text(
        json.dumps({**document, "contexts": contexts, "users": users, "clusters": clusters})
    )
    where = {"namespace": "shop", "name": "web", "timeout": 5.0}

    with override_settings(KUBECONFIG=file):
        seen = look("kubernetes", **where, context="shop")
        strange = look("kubernetes", **where, context="other")

    assert seen.outcome is Outcome.PASS
    assert "other" in strange.reason


def test_without_any_cluster_it_says_how_to_name_one(look):
    assert "set NEXUS_KUBECONFIG" in look("kubernetes", name="web").reason
    assert "set NEXUS_KUBECONFIG" in look("kubernetes", name="web", context="shop").reason


def test_a_private_address_is_refused_unless_allowed(shop, seen_of, nothing_allowed):
    seen = seen_of(shop)

    assert seen.outcome is Outcome.FAIL
    assert "outgoing.allowed_networks" in seen.reason
    assert not shop.asked


def test_what_is_no_cluster_is_told(look, web):
    seen = look("kubernetes", host=web.url, token=TOKEN, name="web")

    assert seen.outcome is Outcome.FAIL
    assert seen.reason == "Not Found"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": "../secrets"}, "name"),
        ({"namespace": "Shop"}, "namespace"),
        ({"kind": "Pod"}, "kind"),
        ({"host": "example.com"}, "host"),
        ({"host": "https://user:password@example.com"}, "host"),
        ({"token": "secret"}, ""),
        ({"host": "https://example.com", "token": "of two\nlines"}, "token"),
        ({"host": "https://example.com", "context": "shop"}, ""),
        ({"host": "https://example.com", "ca_certificate": "nothing"}, ""),
    ],
)
def test_a_wrong_configuration_names_its_field(wrong, field):
    with pytest.raises(pydantic.ValidationError) as caught:
        KubernetesProbe.Configuration.model_validate({"name": "web", **wrong})

    assert [".".join(map(str, each["loc"])) for each in caught.value.errors()] == [field]
