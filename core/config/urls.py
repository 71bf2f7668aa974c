from core.api.routes import route
from core.config import api

urlpatterns = [
    route("config", api.ConfigView.as_view(), name="config"),
    route("config/schema", api.SchemaView.as_view(), name="config-schema"),
    route("config/revisions", api.RevisionsView.as_view(), name="config-revisions"),
    route("config/revisions/<str:number>", api.RevisionView.as_view(), name="config-revision"),
    route(
        "config/revisions/<str:first>/diff/<str:second>",
        api.DifferenceView.as_view(),
        name="config-difference",
    ),
    route(
        "config/revisions/<str:number>/rollback", api.RollbackView.as_view(), name="config-rollback"
    ),
    route("config/revisions/<str:number>/revert", api.RevertView.as_view(), name="config-revert"),
    route("config/revisions/<str:number>/keep", api.KeepView.as_view(), name="config-keep"),
]
