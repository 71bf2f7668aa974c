from core.api.routes import route
from core.events.api import EventList

urlpatterns = [
    route("events", EventList.as_view(), name="event-list"),
]
