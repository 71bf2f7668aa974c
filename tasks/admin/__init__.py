"""Pages of the background work: tasks and what starts them on time."""

from tasks.admin.schedules import PeriodicTaskAdmin
from tasks.admin.tasks import TaskAdmin

__all__ = ["PeriodicTaskAdmin", "TaskAdmin"]
