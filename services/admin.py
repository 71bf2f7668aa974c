"""Pages of the app, from the packages that own them."""

from services.diagnostics.admin import DiagnosticRunAdmin

__all__ = ["DiagnosticRunAdmin"]
