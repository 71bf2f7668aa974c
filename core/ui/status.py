"""The badge: one look for every status on every page. nexus.css gives the words their colours."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString


def badge(status: str, *, text: str = "", title: str = "") -> SafeString:
    """The status as a coloured word; the word carries the meaning, the colour only helps."""
    shown = text or status.replace("_", " ").capitalize()
    return format_html(
        '<span class="nx-badge" data-status="{}" title="{}">{}</span>', status, title, shown
    )
