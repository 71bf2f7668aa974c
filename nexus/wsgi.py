"""The WSGI application; `nexus.asgi` serves it next to the live streams."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nexus.settings")
application = get_wsgi_application()
