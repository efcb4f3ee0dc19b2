"""What gunicorn serves: `gunicorn shopsmart_catalog.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shopsmart_catalog.settings")

application = get_wsgi_application()
