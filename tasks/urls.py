from core.api.routes import route
from tasks import api

urlpatterns = [
    route("tasks", api.TaskList.as_view(), name="task-list"),
    route("tasks/<str:task_id>", api.TaskDetail.as_view(), name="task-detail"),
    route("tasks/<str:task_id>/retry", api.TaskRetry.as_view(), name="task-retry"),
    route("tasks/<str:task_id>/logs", api.TaskLogs.as_view(), name="task-logs"),
]
