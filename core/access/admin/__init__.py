"""Pages about who may do what, and who did."""

from core.access.admin.people import GroupAdmin, UserAdmin

__all__ = ["GroupAdmin", "UserAdmin"]
