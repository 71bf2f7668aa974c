"""Addresses of the keys."""

from core.access.api import KeyRotationView, KeysView, KeyView
from core.api.routes import route

urlpatterns = [
    route("keys", KeysView.as_view(), name="keys"),
    route("keys/<str:key_id>", KeyView.as_view(), name="key"),
    route("keys/<str:key_id>/rotate", KeyRotationView.as_view(), name="rotate-key"),
]
