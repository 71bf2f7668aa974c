"""Nexus as it runs in production, with its peers mounted beside it."""

from nexus.settings import *  # noqa: F403
from nexus.settings import MIDDLEWARE as NEXUS_MIDDLEWARE

ROOT_URLCONF = "benchmarks.urls"
MIDDLEWARE = ["benchmarks.peers.PeerLanes", *NEXUS_MIDDLEWARE]
