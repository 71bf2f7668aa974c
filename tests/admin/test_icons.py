"""The icon font is cut down: an icon that isn't in it would show as its name, or over others."""

from __future__ import annotations

import re
from pathlib import Path

import unfold
from django.conf import settings

from nexus.navigation import PAGES

UNFOLD = Path(unfold.__file__).parent
FONTS = settings.BASE_DIR / "static" / "vendor" / "fonts"
IN_TEMPLATES = re.compile(r"material-symbols-outlined[^>]*>\s*([a-z_]{3,})\s*<")
IN_STYLES = re.compile(r'content:"([a-z_]{3,})"')
# Other names of glyphs that the font has.
ALIASES = {"file_upload", "navigate_before", "navigate_next"}


def in_templates() -> set[str]:
    folders = (UNFOLD / "templates", settings.BASE_DIR / "templates")
    pages = [path.read_text() for folder in folders for path in folder.rglob("*.html")]
    return {name for page in pages for name in IN_TEMPLATES.findall(page)}


def test_every_icon_in_use_is_in_the_font():
    styles = (UNFOLD / "static/unfold/css/styles.css").read_text().replace("\\", "")
    menu = {icon for pages in PAGES.values() for _, icon, _ in pages} | {"dashboard"}
    used = in_templates() | set(IN_STYLES.findall(styles)) | menu
    assert len(used) > 40
    assert used - set((FONTS / "icons.txt").read_text().split()) - ALIASES == set()
