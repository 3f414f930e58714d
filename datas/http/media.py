"""JSON, as Falcon's handler with orjson behind it writes and reads it."""

import orjson
from falcon.media import JSONHandler

JSON = JSONHandler(orjson.dumps, orjson.loads)
