"""Models of the app, from the packages that own them."""

from services.diagnostics.models import DiagnosticResult, DiagnosticRun
from services.health.models import ErrorGroup, HealthPeriod, MaintenanceWindow
from services.registry.models import Dependency, Service, State

__all__ = [
    "Dependency",
    "DiagnosticResult",
    "DiagnosticRun",
    "ErrorGroup",
    "HealthPeriod",
    "MaintenanceWindow",
    "Service",
    "State",
]
