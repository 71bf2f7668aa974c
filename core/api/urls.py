"""The schema of the API and its documentation."""

from core.api.docs import DocsView, SchemaView
from core.api.routes import route

urlpatterns = [
    route("schema", SchemaView.as_view(), name="schema"),
    route("docs", DocsView.as_view(), name="docs"),
]
