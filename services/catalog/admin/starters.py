"""Definitions to begin with, one for each type of probe."""

from __future__ import annotations

from typing import Any

from services.probes import base as probes
from services.registry import files
from services.registry.definitions import OF_THE_INSTANCE

USUAL = "http"
URL = "https://shop.example.com/"
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "actuator": {"url": f"{URL}actuator/health"},
    "celery": {"broker_url": "redis://queue.example.com:6379/0", "min_workers": 1},
    "command": {"command": "check-shop"},
    "django_health_check": {"url": f"{URL}health/?format=json"},
    "dns": {"domain": "shop.example.com", "record": "A"},
    "docker": {"container": "shop"},
    "heartbeat": {"every": 60.0, "grace": 30.0},
    "http": {"url": URL, "expected_status": ["200-399"], "max_latency_ms": 2000.0},
    "kubernetes": {"kind": "Deployment", "namespace": "default", "name": "shop"},
    "postgres": {
        "host": "db.example.com", "database": "shop", "user": "nexus", "password": "change-me",
    },
    "process": {"name": "shop"},
    "rabbitmq": {"host": "queue.example.com", "username": "nexus", "password": "change-me"},
    "redis": {"host": "cache.example.com", "port": 6379},
    "supervisord": {"program": "shop", "socket": "/run/supervisor.sock"},
    "systemd": {"unit": "shop.service"},
    "tcp": {"host": "shop.example.com", "port": 443},
}  # fmt: skip
# Where the same configuration says what to act on.
ALSO_CONTROLLERS = frozenset({"docker", "kubernetes", "supervisord", "systemd"})


def text(probe: str) -> str:
    """As YAML; of the usual type where there is none such."""
    is_known = probe in probes.registry and probe != OF_THE_INSTANCE
    return files.text_of(document(probe if is_known else USUAL))


def document(probe: str) -> dict[str, Any]:
    """Of a type that a plugin brought: what it can't do without, to be filled in."""
    kind = probes.registry.get(probe)
    fields = kind.Configuration.model_fields
    required = {name: "" for name, field in fields.items() if field.is_required()}
    configuration = CONFIGURATIONS.get(probe, required)
    acted_on = {"controller": {"type": probe, **configuration}} if probe in ALSO_CONTROLLERS else {}
    return {
        "name": "shop",
        "type": kind.title,
        "description": "",
        "owner": "",
        "tags": [],
        "criticality": "normal",
        "probe": {"type": probe, **configuration, "interval": 30.0, "timeout": 5.0},
        **acted_on,
        "dependencies": [],
    }
