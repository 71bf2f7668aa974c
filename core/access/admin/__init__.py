"""Pages about who may do what, and who did."""

from core.access.admin.audit import AuditEntryAdmin
from core.access.admin.keys import ApiKeyAdmin
from core.access.admin.people import GroupAdmin, UserAdmin

__all__ = ["ApiKeyAdmin", "AuditEntryAdmin", "GroupAdmin", "UserAdmin"]
