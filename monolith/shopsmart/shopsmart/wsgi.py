"""What gunicorn serves: `gunicorn shopsmart.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shopsmart.settings")

application = get_wsgi_application()
