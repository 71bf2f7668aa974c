"""Pages of the app, from the packages that own them."""

from services.catalog.admin import ServiceAdmin
from services.diagnostics.admin import DiagnosticRunAdmin

__all__ = ["DiagnosticRunAdmin", "ServiceAdmin"]
