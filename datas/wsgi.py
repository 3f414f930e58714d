"""`app`, for any WSGI server: `gunicorn datas.wsgi:app`. Importing it opens no file."""

import logging.config
import os

from datas import logs
from datas.bootstrap import build_app
from datas.operations import serving
from datas.served import load_package
from datas.settings import Settings, unknown_names

_settings = Settings.read(load_package)
logging.config.dictConfig(logs.config(_settings.log_level, _settings.log_format))
logging.captureWarnings(capture=True)
for _warning in unknown_names().values():
    logging.getLogger("datas").warning(_warning)

app = build_app(
    _settings,
    is_draining=serving.is_draining,
    file=os.environ.get(serving.OWN_DATABASE) or None,
    threads=serving.threads,
    requests=serving.requests,
)
