"""`app`, for any WSGI server: `gunicorn datas.wsgi:app`. Importing it opens no file."""

import logging

from datas.bootstrap import build_app
from datas.settings import Settings, unknown_names

for _warning in unknown_names().values():
    logging.getLogger("datas").warning(_warning)

app = build_app(Settings.read())
