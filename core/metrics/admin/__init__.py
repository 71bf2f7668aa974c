"""The pages of the metrics."""

from core.metrics.admin.metrics import MetricsAdmin
from core.metrics.admin.rules import RulesAdmin

__all__ = ["MetricsAdmin", "RulesAdmin"]
