"""Settings of the catalogue service. What differs between machines comes from the environment (see README.md).

Parity begins here: the shop's answers, which this service repeats byte for byte, hang on its middleware and their
order, on its time format and on where its pictures are.
"""

import os
from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from chassis.environment import read_secret

BASE_DIR = Path(__file__).resolve().parent.parent
LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"]

DEBUG = False
# The proxy hands on the Host that the shopper sent: the same names as the shop's.
ALLOWED_HOSTS = [
    host.strip()
    for host in os.environ.get("ALLOWED_HOSTS", ",".join(LOOPBACK_HOSTS)).split(",")
    if host.strip()
]
# Nothing is signed here so far; Django asks for a key all the same.
SECRET_KEY = read_secret("SECRET_KEY") or ""
if not SECRET_KEY:
    if not set(ALLOWED_HOSTS) <= set(LOOPBACK_HOSTS):
        raise ImproperlyConfigured(
            "ALLOWED_HOSTS lets others in, so SECRET_KEY (or SECRET_KEY_FILE) must be set."
        )
    SECRET_KEY = "for-development-on-this-machine-only"  # noqa: S105 - and refused anywhere else
# As in the shop: gunicorn believes X-Forwarded-Proto from loopback; other servers need this, and only behind a proxy.
trust_proto = os.environ.get("TRUST_X_FORWARDED_PROTO", "0")
if trust_proto not in ("0", "1"):
    raise ImproperlyConfigured(f"TRUST_X_FORWARDED_PROTO is 0 or 1, not {trust_proto!r}.")
if trust_proto == "1":
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

ROOT_URLCONF = "shopsmart_catalog.urls"
WSGI_APPLICATION = "shopsmart_catalog.wsgi.application"
INSTALLED_APPS = [
    "shopsmart_catalog",
    "chassis.inbox",
    "chassis.ops",
    "chassis.ownership",
    "rest_framework",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    # Around ConditionalGet: the ETag is made from the plain bytes, compressed ones differ from answer to answer.
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

DATABASES = {
    "default": dj_database_url.parse(
        read_secret("DATABASE_URL") or f"sqlite:///{BASE_DIR / 'catalog.sqlite3'}",
        conn_max_age=60,
        conn_health_checks=True,
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # Readers never wait for `backfill`, nor it for them (WAL); a second writer waits instead of failing.
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en-gb"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True

# Pictures stay with the shop: this service names them, under the host the shopper asked.
MEDIA_URL = "/media/"

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    # Everything here is public and read-only; nobody is asked who they are.
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
}

CHASSIS = {
    "BACKFILL": {
        "catalog": {
            "catalog_category": "catalog.Category",
            "catalog_brand": "catalog.Brand",
            "catalog_product": "catalog.Product",
            "catalog_variant": "catalog.Variant",
            "catalog_pricechange": "catalog.PriceChange",
            "catalog_productimage": "catalog.ProductImage",
            "catalog_review": "catalog.Review",
        }
    }
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"style": "{", "format": "{asctime} {levelname} pid={process} {name}: {message}"}
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "INFO")},
    "loggers": {"django": {"handlers": [], "level": "INFO", "propagate": True}},
}
