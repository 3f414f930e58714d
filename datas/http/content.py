"""Content that changes only when the server is updated. Clients revalidate it by its ETag."""

import hashlib

import falcon

from datas.http.etags import if_none_match


class Content:
    """Bytes and their media type, with their digest for an ETag."""

    def __init__(self, data: bytes, media_type: str) -> None:
        self._data = data
        self._media_type = media_type
        self._digest = hashlib.blake2b(data, digest_size=16).hexdigest()

    def write(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.set_header("ETag", f'"{self._digest}"')
        resp.set_header("Cache-Control", "no-cache")
        known = if_none_match(req)
        if known is not None and self._digest in known:
            resp.status = falcon.HTTP_304
            return
        resp.content_type = self._media_type
        resp.data = self._data
