"""Nexus as it runs in production, with its peers mounted beside it.

The rate limit is counted as ever, from a bucket that one client can't empty.
"""

from nexus.settings import *  # noqa: F403
from nexus.settings import MIDDLEWARE as NEXUS_MIDDLEWARE

ROOT_URLCONF = "benchmarks.urls"
MIDDLEWARE = ["benchmarks.peers.PeerLanes", *NEXUS_MIDDLEWARE]
API_REQUESTS_PER_MINUTE = 60_000_000
