"""Django's settings. What an operator may choose comes from `nexus.env` or the configuration."""

import os

from csp.constants import NONCE, NONE, SELF

from core.database import BoundedConnection
from nexus.env import BASE_DIR, Env
from nexus.unfold import UNFOLD as UNFOLD
from nexus.version import VERSION

env = Env.load(os.environ)

DEBUG = env.debug
NODE = env.node
BROKER_URL = str(env.broker_url)
WORKER_CONCURRENCY = env.worker_concurrency
SECRET_KEY = env.secret_key.get_secret_value()
ALLOWED_HOSTS = [*env.allowed_hosts, env.host]
ROOT_URLCONF = "nexus.urls"
WSGI_APPLICATION = "nexus.wsgi.application"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False
ENVIRONMENT = env.environment
DATA_DIR = env.data_dir
COMMANDS_FILE = env.commands_file
KUBECONFIG = env.kubeconfig
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "django_typer",
    "core.api",
    "core.access",
    "core.events",
    "core.processes",
    "core.alerts",
    "core.metrics",
    "core.cache",
    "core.health",
    "core.config",
    "tasks",
    "services",
    "plugins",
    "nexus.apps.NexusConfig",
]

# The admin and everything that isn't the API. Paths below /api/ run API_MIDDLEWARE instead:
# they carry no CSRF form, message or clickjacking state, and cost less for it.
MIDDLEWARE = [
    "core.metrics.middleware.RequestMetrics",
    "core.api.lane.ApiLane",
    "core.api.request_id.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
API_MIDDLEWARE = [
    "core.api.request_id.RequestIdMiddleware",
    "core.api.lane.HostMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
            "libraries": {"ui": "core.ui.tags"},
        },
    }
]

SPARE_CONNECTIONS = 8  # of each process, for its loops and checks beside the requests
_database = env.database
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _database.pop("dbname"),
        "USER": _database.pop("user", ""),
        "PASSWORD": _database.pop("password", ""),
        "HOST": _database.pop("host"),
        "PORT": _database.pop("port"),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **_database,
            "connect_timeout": 2,
            "application_name": "nexus",
            "pool": {
                "connection_class": BoundedConnection,
                "min_size": 1,
                "max_size": env.web_threads + SPARE_CONNECTIONS,
                "timeout": 2.0,
                # After that it gives up, until somebody needs a connection and has it try at once.
                # With five minutes, the default, its pauses would double and nobody could hurry it.
                "reconnect_timeout": 2.0,
            },
        },
    }
}

CACHES = {
    "default": {
        "BACKEND": "core.cache.backend.TwoLevelCache",
        "LOCATION": str(env.cache_url),
        # Of this instance alone, though others may use the same server: clearing the cache
        # deletes everything below it. Known without a database and the same on every node.
        "KEY_PREFIX": f"nexus:cache:{env.fingerprint}",
    }
}

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
SESSION_ENGINE = "core.access.session_store"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.https
SECURE_HSTS_SECONDS = 31_536_000 if env.https else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.trusted_proxies else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# The admin has nothing inline: no script, style or handler. The nonce is for what plugins bring.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

STATIC_URL = "/static/"
STATIC_ROOT = env.data_dir / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "nexus.stack.static.HashedStorage"},
}

# What the API toolkit, which knows no other app, is bound to.
API = {
    "AUTHENTICATION": "core.access.authentication.ActorAuthentication",
    "THROTTLE": "core.access.throttling.KeyThrottle",
    "IDEMPOTENCY_STORE": "core.access.idempotency.IdempotencyStore",
}
API_FOR_ANY_HOST = ("/api/v1/health",)
KEY_PEPPERS = {
    number: pepper.get_secret_value().encode() for number, pepper in env.key_peppers.items()
}
ENCRYPTION_KEYS = [key.get_secret_value() for key in env.encryption_keys]
TRUSTED_PROXIES = env.trusted_proxies

# ApiView sees to all of this itself; a plain DRF view that slips in is closed, not open.
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["core.api.envelope.EnvelopeRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsing.StrictJSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_SCHEMA_CLASS": "core.api.schema.OperationSchema",
    "EXCEPTION_HANDLER": "core.api.errors.answer",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Nexus",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "core.api.documented.complete",
    ],
}


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "core.api.request_id.RequestIdFilter"}},
    "formatters": {
        "line": {
            "format": "{asctime} {levelname} {name} [{request_id}] {message}",
            "style": "{",
        }
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["request_id"],
        }
    },
    "root": {"handlers": ["console"], "level": env.log_level},
    # At INFO the pool tells of every connection it lends (without a level here it takes WARNING),
    # and httpx of every request, with its URL, in which secrets may be.
    "loggers": {
        name: {"level": "ERROR" if env.log_level == "ERROR" else "WARNING"}
        for name in ("httpx", "psycopg")
    },
}
