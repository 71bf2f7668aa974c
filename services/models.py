"""Models of the app, from the packages that own them."""

from services.diagnostics.models import DiagnosticResult

__all__ = ["DiagnosticResult"]
