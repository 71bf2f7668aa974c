"""The configuration in the admin: one page of all options, and the history of their changes."""

from core.config.admin import configuration, history

__all__ = ["configuration", "history"]
