"""Talking to a Kubernetes cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from services.clients.workloads import Workload

if TYPE_CHECKING:
    from services.clients.kubernetes import Cluster


@contextmanager
def connected(workload: Workload, *, deadline: float) -> Iterator[Cluster]:
    """Raises AddressRefused, NotReached, NotAnswered, Refused with the HTTP status in `extra`."""
    # Imported at first use: a second and tens of megabytes for who has no cluster.
    cluster = import_module("services.clients.kubernetes").Cluster
    with cluster.connected(workload, deadline=deadline) as made:
        yield made
