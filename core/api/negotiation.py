"""In which of several media types an answer comes, as RFC 9110 reads the header Accept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.http.request import MediaType
from rest_framework.request import Request

from core.api.envelope import CONTENT_TYPE


@dataclass(frozen=True, slots=True)
class Offer:
    """A media type, and its version where clients may ask for one."""

    media_type: str
    version: str = ""


JSON = Offer(CONTENT_TYPE)


def preferred(request: Request | HttpRequest, offers: Sequence[Offer]) -> Offer:
    """The offer that the client likes best. Of those it likes equally the one it names more
    exactly, then the first; also the first when it likes none."""
    accepted = list(_accepted(request.META.get("HTTP_ACCEPT", "")))
    quality, _, place = max(
        (*_liking(offer, accepted), -place) for place, offer in enumerate(offers)
    )
    return offers[-place] if quality else offers[0]


def _accepted(header: str) -> Iterator[MediaType]:
    for text in header.split(","):
        try:
            yield MediaType(text.lower())
        except ValueError:  # not a media type
            continue


def _liking(offer: Offer, accepted: Sequence[MediaType]) -> tuple[float, int]:
    """The quality of the range that is most specific about the offer, and how specific it is."""
    known = ((each.specificity, each.quality) for each in accepted if _is_about(each, offer))
    specificity, quality = max(known, default=(0, 0.0))
    return quality, specificity


def _is_about(accepted: MediaType, offer: Offer) -> bool:
    """Whether the range takes the offer in. Parameters that say nothing of the format itself,
    such as charset, don't matter."""
    main_type, _, sub_type = offer.media_type.partition("/")
    return (
        accepted.main_type in (main_type, "*")
        and accepted.sub_type in (sub_type, "*")
        and accepted.params.get("version", offer.version) == offer.version
    )
