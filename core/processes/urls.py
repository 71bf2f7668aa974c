from core.api.routes import route
from core.processes.api import ProcessList

urlpatterns = [
    route("processes", ProcessList.as_view(), name="process-list"),
]
