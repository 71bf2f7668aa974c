"""The version of Nexus, taken from the project's own metadata."""

import tomllib

from nexus.env import BASE_DIR

VERSION: str = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"]
