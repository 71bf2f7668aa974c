"""References of container images: registry.example.com:5000/shop/web:1.4@sha256:…"""

from __future__ import annotations


def version(reference: str) -> str | None:
    """The tag, or the beginning of the digest where there is no tag."""
    named, _, digest = reference.partition("@")
    _, colon, tag = named.rpartition("/")[2].partition(":")
    if colon:
        return tag
    return digest.removeprefix("sha256:")[:12] or None
