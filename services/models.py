"""Models of the app, from the packages that own them."""

from services.diagnostics.models import DiagnosticResult, DiagnosticRun

__all__ = ["DiagnosticResult", "DiagnosticRun"]
