"""`/api/datas` and `/api/datas/{item_id}`: the routes of any collection."""

from typing import Any, Generic

import falcon
import orjson

from datas.domain.access import Action
from datas.domain.idempotency import Idempotency
from datas.domain.records import D, Record
from datas.http.body import MEDIA_MERGE_PATCH, parse_json, read_body, read_json
from datas.http.etags import etag, if_none_match, preconditions
from datas.http.idempotency import answer_once
from datas.http.params import refuse_params
from datas.http.parts import RecordParts
from datas.http.request import Request
from datas.http.resources.records_openapi import collection_operations, record_operations
from datas.http.schemas import RecordBody, envelope


class RecordsResource(Generic[D]):
    # What each method does with records; domain/access.py has the rules for it.
    actions = {"GET": Action.READ, "POST": Action.CREATE}
    reads_params = True

    def __init__(self, parts: RecordParts[D], idempotency: Idempotency) -> None:
        self._collection, self._service = parts.collection, parts.service
        self._body, self._params = parts.body, parts.params
        self._idempotency = idempotency
        self.operations = collection_operations(parts)

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        params = self._params.read_page(req)
        page = self._service.page(**params, actor=req.actor)
        following = self._params.next_page(req, params, page.next) if page.next else None
        msg = f"{self._collection.plural_title} found ({len(page.records)})"
        resp.media = envelope(msg, [*map(self._body.dump, page.records)]) | {"next": following}
        if page.total is not None:
            resp.media["total"] = page.total
        resp.set_header("Cache-Control", "no-cache")
        if following:
            resp.set_header("Link", f'<{following}>; rel="next"')

    def on_post(self, req: Request, resp: falcon.Response) -> None:
        body = read_body(req)
        refuse_params(req)
        draft = self._body.load(parse_json(body, self._body.example))

        def create() -> None:
            record = self._service.create(draft, actor=req.actor)
            _write_record(resp, self._body, record, "successfully created")
            resp.status = falcon.HTTP_201
            location = f"{req.root_path}{self._collection.route}/{record.id}"
            resp.set_header("Location", location)

        answer_once(req, resp, body, self._idempotency, create)


class RecordResource(Generic[D]):
    """One record. The template of its route names the id: `{item_id}`."""

    actions = {"GET": Action.READ} | dict.fromkeys(("PUT", "PATCH", "DELETE"), Action.CHANGE)

    def __init__(self, parts: RecordParts[D], *, is_target: bool) -> None:
        self._service, self._body = parts.service, parts.body
        self.operations = record_operations(parts, is_target=is_target)

    def on_get(self, req: Request, resp: falcon.Response, **ids: int) -> None:
        [record_id] = ids.values()
        known = if_none_match(req)
        record = self._service.get(record_id, actor=req.actor)
        if known is not None and record.version in known:
            resp.status = falcon.HTTP_304
            _write_validators(resp, record)
        else:
            _write_record(resp, self._body, record, "found")

    def on_put(self, req: Request, resp: falcon.Response, **ids: int) -> None:
        [record_id] = ids.values()
        body = read_json(req, example=self._body.example)
        refuse_params(req)
        draft = self._body.load(body, ignore_read_only=True)
        expected = preconditions(req)
        record = self._service.replace(record_id, draft, expected=expected, actor=req.actor)
        _write_record(resp, self._body, record, "successfully updated")

    def on_patch(self, req: Request, resp: falcon.Response, **ids: int) -> None:
        [record_id] = ids.values()
        patch = read_json(req, MEDIA_MERGE_PATCH, example=self._body.example)
        refuse_params(req)
        values = self._body.load_some(patch)
        expected = preconditions(req)
        record = self._service.change(record_id, values, expected=expected, actor=req.actor)
        _write_record(resp, self._body, record, "successfully updated")

    def on_delete(self, req: Request, resp: falcon.Response, **ids: int) -> None:
        [record_id] = ids.values()
        record = self._service.delete(record_id, expected=preconditions(req), actor=req.actor)
        msg = f"{self._body.collection.title} [{record.id}] successfully deleted"
        resp.media = envelope(msg, self._body.dump(record))


def _write_record(
    resp: falcon.Response, body: RecordBody[D], record: Record[D], what_happened: str
) -> None:
    msg = f"{body.collection.title} [{record.id}] {what_happened}"
    # Not by Falcon's handler: Falcon would look that up by the media type each time.
    resp.data = orjson.dumps(envelope(msg, body.dump(record)))
    _write_validators(resp, record)


def _write_validators(resp: falcon.Response, record: Record[Any]) -> None:
    resp.set_header("ETag", etag(record))
    resp.set_header("Cache-Control", "no-cache")
