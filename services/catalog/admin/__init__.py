"""Services in the admin: how each is, what can be done about it, and how it is defined."""

from services.catalog.admin.pages import ServiceAdmin

__all__ = ["ServiceAdmin"]
