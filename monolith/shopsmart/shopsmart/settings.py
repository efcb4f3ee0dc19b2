"""Settings of ShopSmart. Everything that differs between machines comes from the environment.

Every variable has a default that is right for a laptop; the README lists them all.
"""

import mimetypes
import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from chassis.environment import read_secret
from shopsmart.accounts.client_address import networks
from shopsmart.accounts.rates import changed_rates
from shopsmart.cache_url import cache_from_url
from shopsmart.database import database_from_url
from shopsmart.mail_url import mail_from_url
from shopsmart.ownership import OWNERSHIP, callers

BASE_DIR = Path(__file__).resolve().parent.parent
LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"]


def _flag(name: str, default: str = "0") -> bool:
    value = os.environ.get(name, default)
    if value not in ("0", "1"):
        raise ImproperlyConfigured(f"{name} is 0 or 1, not {value!r}.")
    return value == "1"


def _listed(name: str, default: list[str]) -> list[str]:
    """The comma-separated values of an environment variable, without the empty ones."""
    if name not in os.environ:
        return default
    return [part.strip() for part in os.environ[name].split(",") if part.strip()]


def _seconds(name: str, default: float) -> float:
    text = os.environ.get(name, str(default))
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e7:
        raise ImproperlyConfigured(f"{name} is a number of seconds, as in 2.5, not {text!r}.")
    return seconds


def _url(name: str, default: str) -> str:
    url = os.environ.get(name, default).rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise ImproperlyConfigured(f"{name} begins with http:// or https://, unlike {url!r}.")
    return url


DEBUG = _flag("DEBUG")
ALLOWED_HOSTS = _listed("ALLOWED_HOSTS", LOOPBACK_HOSTS)

SECRET_KEY = read_secret("SECRET_KEY") or ""
if not SECRET_KEY:
    # The key below is public. It is fine for a shop nobody else can reach, and for no other.
    if not set(ALLOWED_HOSTS) <= set(LOOPBACK_HOSTS):
        raise ImproperlyConfigured(
            "ALLOWED_HOSTS lets others in, so SECRET_KEY (or SECRET_KEY_FILE) must be set. Make one: "
            "python -c 'import secrets; print(secrets.token_urlsafe(50))'"
        )
    SECRET_KEY = "for-development-on-this-machine-only-never-for-a-shop-that-others-reach"  # noqa: S105

# Behind a proxy -------------------------------------------------------------------------------
# The proxy keeps Host as the shopper sent it, so no other header may say where the shop is.
USE_X_FORWARDED_HOST = False
# Who ends TLS must say so. gunicorn already believes `X-Forwarded-Proto: https` from the addresses
# in its --forwarded-allow-ips (loopback to begin with). Under a server that does not, set
# TRUST_X_FORWARDED_PROTO=1, and only if nobody but the proxy can reach the shop: whoever can send
# this header to Django switches off its protection of cookies and CSRF tokens.
if _flag("TRUST_X_FORWARDED_PROTO"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = _listed("CSRF_TRUSTED_ORIGINS", [])
# Never in the session, which is a row: one kind of message is an API token.
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _flag("SECURE_COOKIES")
# Whose X-Forwarded-For is believed (accounts/client_address.py), for limits by address.
TRUSTED_PROXIES = networks(_listed("TRUSTED_PROXIES", ["127.0.0.0/8", "::1"]))

# The application ------------------------------------------------------------------------------
ROOT_URLCONF = "shopsmart.urls"
WSGI_APPLICATION = "shopsmart.wsgi.application"

INSTALLED_APPS = [
    "shopsmart.accounts",
    "shopsmart.catalog",
    "shopsmart.cart",
    "shopsmart.orders",
    "shopsmart.inventory",
    "shopsmart.promotions",
    "shopsmart.payments",
    "shopsmart.notifications",
    "shopsmart.reports",
    "shopsmart.storefront",
    "shopsmart.seeding",
    "chassis.ops",
    "chassis.ownership",
    "rest_framework",
    "drf_spectacular",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Outside ConditionalGet, which therefore makes the ETag from the plain bytes: compressed ones
    # differ each time, on purpose (random padding against the BREACH attack).
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "shopsmart.cart.middleware.CartCookieMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
FORM_RENDERER = "shopsmart.focus.Renderer"

# Data -----------------------------------------------------------------------------------------
DATABASES = {
    "default": database_from_url(
        read_secret("DATABASE_URL") or "sqlite:///shopsmart.sqlite3", directory=BASE_DIR
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# What a price is in when nobody says otherwise (ISO 4217).
DEFAULT_CURRENCY = "EUR"

# People ---------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["shopsmart.accounts.backends.NameOrEmailBackend"]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "storefront:home"
LOGOUT_REDIRECT_URL = "storefront:home"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Payments -------------------------------------------------------------------------------------
CARD_GATEWAY_URL = _url("CARD_GATEWAY_URL", "http://127.0.0.1:8190")
CARD_GATEWAY_CONNECT_TIMEOUT = _seconds("CARD_GATEWAY_CONNECT_TIMEOUT", 2)
CARD_GATEWAY_READ_TIMEOUT = _seconds("CARD_GATEWAY_READ_TIMEOUT", 10)
# A payment that the gateway has not heard of is cancelled when it is older than this. Longer than
# any request lives: what is still on its way is not taken for lost.
PAYMENT_GIVE_UP_AFTER = _seconds("PAYMENT_GIVE_UP_AFTER", 120)
# No card on an error page, with DEBUG neither.
DEFAULT_EXCEPTION_REPORTER_FILTER = "shopsmart.payments.redaction.CardFilter"
# How long a card holder may take to confirm; the stock is reserved meanwhile.
PAYMENT_CONFIRM_WITHIN = _seconds("PAYMENT_CONFIRM_WITHIN", 3600)

# Text and time --------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False  # one language; parity does not hang on Accept-Language

# Files ----------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = os.environ.get("STATIC_ROOT")  # only for `collectstatic` towards a CDN
# whitenoise serves the apps' own files, so that nothing has to be collected before the start.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
MEDIA_URL = "/media/"
MEDIA_ROOT = Path(os.environ.get("MEDIA_ROOT", BASE_DIR / "media"))
# Python before 3.13 knows it from the machine's /etc/mime.types only, and a small image has none: pictures would be
# sent as application/octet-stream, which browsers told to sniff nothing do not show.
mimetypes.add_type("image/webp", ".webp")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# API ------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    # The first one says how to come in: who is a stranger gets a 401 that asks for a token.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "shopsmart.accounts.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
    # All but the catalogue, which takes itself out.
    "DEFAULT_THROTTLE_CLASSES": ["shopsmart.accounts.throttling.ApiThrottle"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    # Always six digits: isoformat() leaves them out when they are all zero.
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%S.%fZ",
    "COERCE_DECIMAL_TO_STRING": True,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "ShopSmart",
    "DESCRIPTION": "The shop: its catalogue, and what people with an account do in it.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/",
    # Four fields are called `state`, and each has words of its own.
    "ENUM_NAME_OVERRIDES": {
        "OrderState": "shopsmart.orders.states.OrderState",
        "ReturnState": "shopsmart.orders.states.ReturnState",
        "PaymentState": "shopsmart.payments.states.PaymentState",
        "RefundState": "shopsmart.payments.states.RefundState",
    },
}

# Limits ---------------------------------------------------------------------------------------
# How often somebody may do what costs the shop or is worth guessing at (accounts/throttling.py).
CACHES = {"default": cache_from_url(read_secret("CACHE_URL") or "locmem:")}
THROTTLE_RATES = changed_rates(
    {
        "api": "600/m",
        "checkout": "30/m",
        "token": "20/h",
        "register": "60/h",
        "password": "20/h",
        # Failed attempts: at one account from one address; from one address; at one account.
        "login": "10/15m",
        "login-address": "100/15m",
        "login-name": "200/h",
    },
    _listed("THROTTLES", []),
)

# Mail -----------------------------------------------------------------------------------------
_data = DATABASES["default"]
_mail = mail_from_url(
    read_secret("EMAIL_URL") or "file:mail",
    # Beside the database, where that is a file.
    directory=Path(_data["NAME"]).parent if _data["ENGINE"].endswith("sqlite3") else BASE_DIR,
)
globals().update(_mail)
DEFAULT_FROM_EMAIL = os.environ.get("MAIL_FROM", "ShopSmart <shop@shopsmart.example>")
# What mails link to: the shop as shoppers reach it.
PUBLIC_URL = os.environ.get("PUBLIC_URL", "http://127.0.0.1:8100").rstrip("/")
# Whether a process that writes a mail sends it too, on a thread; `manage.py send_mails` does in any case.
MAIL_AT_ONCE = _flag("MAIL_AT_ONCE", default="1")

# Migration to services ------------------------------------------------------------------------
CHASSIS = {"OWNERSHIP": OWNERSHIP, "CALLERS": callers()}

# Logs -----------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "style": "{",
            "format": "{asctime} {levelname} pid={process} {name}: {message}",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "INFO")},
    # Django's own handlers print to the console when DEBUG is on and mail when it is off.
    "loggers": {"django": {"handlers": [], "level": "INFO", "propagate": True}},
}
