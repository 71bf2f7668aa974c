"""The secrets of services go along when the keys of encryption change."""

from __future__ import annotations

from collections.abc import Callable

from core.config.keys import holders
from services.registry.models import Service


@holders.register("services")
def rotate(renewed: Callable[[str, str], str]) -> None:
    # Told without its history: that a key changed doesn't change what a service is.
    held = Service.objects.select_for_update(no_key=True).exclude(secrets="").order_by("pk")
    for service in held:
        service.secrets = renewed(service.secrets, f"service {service.name}")
        service.save(update_fields=["secrets"])
