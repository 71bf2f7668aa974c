"""What is down because somebody works on it is nothing that core has to alert anybody to."""

from __future__ import annotations

from django.db.models import Q
from django.db.models.functions import Now

from core.health import excuses, parts
from services.registry.models import Service
from tasks.models import ACTIVE


@excuses.register("services.parts")
def is_worked_on(component: str) -> bool:
    """Whether a part that the component's alert stands for is acted upon or under maintenance."""
    names = [each.name for each in parts.registry if each.alert == f"health.{component}"]
    window = Q(maintenance_windows__starts_at__lte=Now(), maintenance_windows__ends_at__gt=Now())
    acted_upon = Q(state__acting__status__in=ACTIVE)
    return Service.objects.filter(acted_upon | window, name__in=names).exists()
