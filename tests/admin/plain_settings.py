"""The product's settings without Unfold: what is left is Django's own admin."""

from nexus.settings import *  # noqa: F403
from nexus.settings import INSTALLED_APPS

INSTALLED_APPS = [name for name in INSTALLED_APPS if name != "unfold"]
