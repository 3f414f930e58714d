"""What datas/operations/gunicorn_conf.py sets for a worker, for the other apps served here."""

import sys

worker_class = "gthread"
workers = 1
threads = 4
keepalive = 15
timeout = 30
graceful_timeout = 20
limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190
loglevel = "warning"
control_socket_disable = True
reuse_port = sys.platform == "linux"
