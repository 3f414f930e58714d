"""`/api/datas` and `/api/datas/{item_id}`: the five routes."""

import falcon

from datas.domain.access import Action
from datas.domain.idempotency import Idempotency
from datas.domain.item_service import ItemService
from datas.domain.items import Item
from datas.http.body import MEDIA_MERGE_PATCH, parse_json, read_body, read_json
from datas.http.etags import etag, if_none_match, preconditions
from datas.http.idempotency import answer_once
from datas.http.media import JSON
from datas.http.params import next_page, read_page, refuse_params
from datas.http.request import Request
from datas.http.resources import records_openapi
from datas.http.schemas import dump_item, envelope, load_item


class ItemsResource:
    """The collection."""

    # What each method does with items; domain/access.py has the rules for it.
    actions = {"GET": Action.READ, "POST": Action.CREATE}
    operations = records_openapi.COLLECTION
    components = records_openapi.components()
    reads_params = True

    def __init__(self, items: ItemService, idempotency: Idempotency) -> None:
        self._items = items
        self._idempotency = idempotency

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        """A page of items."""
        params = read_page(req)
        page = self._items.page(**params, actor=req.actor)
        following = next_page(req, params, page.next) if page.next else None
        resp.media = envelope(
            f"Items found ({len(page.items)})", [dump_item(item) for item in page.items]
        ) | {"next": following}
        if page.total is not None:
            resp.media["total"] = page.total
        resp.set_header("Cache-Control", "no-cache")
        if following:
            resp.set_header("Link", f'<{following}>; rel="next"')

    def on_post(self, req: Request, resp: falcon.Response) -> None:
        """Create an item; once, if the request names an Idempotency-Key."""
        body = read_body(req)
        refuse_params(req)
        fields = load_item(parse_json(body))

        def create() -> None:
            item = self._items.create(**fields, actor=req.actor)
            _write_item(resp, item, "successfully created")
            resp.status = falcon.HTTP_201
            resp.set_header("Location", f"{req.root_path}/api/datas/{item.id}")

        answer_once(req, resp, body, self._idempotency, create)


class ItemResource:
    """One item."""

    actions = {
        "GET": Action.READ,
        "PUT": Action.CHANGE,
        "PATCH": Action.CHANGE,
        "DELETE": Action.CHANGE,
    }
    operations = records_openapi.RECORD

    def __init__(self, items: ItemService) -> None:
        self._items = items

    def on_get(self, req: Request, resp: falcon.Response, item_id: int) -> None:
        """The item, or 304 if the client has this version."""
        known = if_none_match(req)
        item = self._items.get(item_id, actor=req.actor)
        if known is not None and item.version in known:
            resp.status = falcon.HTTP_304
            _write_validators(resp, item)
        else:
            _write_item(resp, item, "found")

    def on_put(self, req: Request, resp: falcon.Response, item_id: int) -> None:
        """Replace it."""
        body = read_json(req)
        refuse_params(req)
        fields = load_item(body, ignore_read_only=True)
        item = self._items.replace(item_id, **fields, expected=preconditions(req), actor=req.actor)
        _write_item(resp, item, "successfully updated")

    def on_patch(self, req: Request, resp: falcon.Response, item_id: int) -> None:
        """Change what the merge patch names (RFC 7396)."""
        patch = read_json(req, MEDIA_MERGE_PATCH)
        refuse_params(req)
        fields = load_item(patch, partial=True)
        item = self._items.change(item_id, **fields, expected=preconditions(req), actor=req.actor)
        _write_item(resp, item, "successfully updated")

    def on_delete(self, req: Request, resp: falcon.Response, item_id: int) -> None:
        """Delete it, and show it as it was."""
        item = self._items.delete(item_id, expected=preconditions(req), actor=req.actor)
        resp.media = envelope(f"Item [{item.id}] successfully deleted", dump_item(item))


def _write_item(resp: falcon.Response, item: Item, what_happened: str) -> None:
    # The handler itself: Falcon would look it up again by the media type.
    media = envelope(f"Item [{item.id}] {what_happened}", dump_item(item))
    resp.data = JSON.serialize(media, falcon.MEDIA_JSON)
    _write_validators(resp, item)


def _write_validators(resp: falcon.Response, item: Item) -> None:
    resp.set_header("ETag", etag(item))
    resp.set_header("Cache-Control", "no-cache")
