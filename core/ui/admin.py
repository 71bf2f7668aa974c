"""The base of every admin page: Unfold's where it is installed, Django's own otherwise."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from core import ids
from core.ui.figures import NOTHING, code
from core.ui.pagination import CappedPaginator

if "unfold" in settings.INSTALLED_APPS:
    from unfold.admin import ModelAdmin as InstalledAdmin
else:
    from django.contrib.admin import ModelAdmin as InstalledAdmin


class ModelAdmin(InstalledAdmin):
    """Lists that stay fast, ids as they are outside, in addresses and in the search alike."""

    id_prefix: ClassVar[str] = ""
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count every row
    list_per_page = 25
    list_fullwidth = True
    empty_value_display = NOTHING
    empty_text: ClassVar[str] = ""  # what an empty list means, and what would fill it

    @admin.display(description="Id")
    def external_id(self, record: Model) -> SafeString:
        return code(ids.external(self.id_prefix, record.pk))

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Model | None:
        known = self._internal(object_id)
        return super().get_object(request, str(known) if known else object_id, from_field)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        known = self._internal(search_term.strip())
        if known:
            return queryset.filter(pk=known), False
        return super().get_search_results(request, queryset, search_term)

    def _internal(self, text: str) -> UUID | None:
        if not self.id_prefix or not text.startswith(f"{self.id_prefix}_"):
            return None
        try:
            return ids.internal(self.id_prefix, text)
        except ValueError:
            return None
