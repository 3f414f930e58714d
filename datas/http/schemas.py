"""Bodies (marshmallow): JSON to domain values with `load`, domain values to JSON with `dump`."""

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Generic

from marshmallow import RAISE, Schema, ValidationError

from datas.domain.errors import InvalidRecord
from datas.domain.records import ENVELOPE, Collection, D, Record, value_of
from datas.domain.rules import integer, moment, reference, text
from datas.http.errors import MAX_FAULTS, Refusal
from datas.http.fields import Integer, Moment, RecordField, Text, rfc3339


class RecordSchema(Schema):
    """The fields that the server keeps of every record. A subclass adds those of the draft."""

    class Meta:
        unknown = RAISE

    id = Integer(reference(), dump_only=True)
    date_created = Moment(moment(), dump_only=True)
    date_updated = Moment(moment(), dump_only=True)
    version = Integer(integer(1), dump_only=True)
    owner = Text(text(1, 255), dump_only=True, allow_none=True)

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """A field of a record, or of its draft."""
        return value_of(obj, attr)


class RecordBody(Generic[D]):
    """The JSON of one collection's records: its schema, with a short way for correct bodies."""

    def __init__(self, collection: Collection[D], schema: type[RecordSchema]) -> None:
        self.collection = collection
        self.schema = schema()
        self.schema.error_messages["unknown"] = f"is no field of {collection.one}; leave it out."
        self.fields: dict[str, RecordField] = self.schema.fields  # type: ignore[assignment]
        self.names = ("id", *collection.fields, *ENVELOPE[1:])
        self._own = {name: self.fields[name] for name in collection.fields}
        # A schema with functions of its own, such as `@validates_schema`, has no short way.
        self._is_simple = not any(schema._hooks.values())  # noqa: SLF001
        # Most fields need no conversion.
        plain = RecordField.from_json, RecordField.to_json
        own = self._own.items()
        self._readers = [(n, f.from_json) for n, f in own if type(f).from_json is not plain[0]]
        self._writers = [(n, f.to_json) for n, f in own if type(f).to_json is not plain[1]]

    def dump(self, record: Record[D]) -> dict[str, Any]:
        """A record as JSON: what the schema dumps, as a test checks, in a third of its time."""
        record_id, draft, date_created, date_updated, version, owner = record
        created = updated = rfc3339(date_created)
        if date_updated is not date_created:
            updated = rfc3339(date_updated)
        # One by one: a dict of pairs takes twice as long.
        dumped: dict[str, Any] = {"id": record_id}
        for name in self.collection.fields:
            dumped[name] = getattr(draft, name)
        for name, to_json in self._writers:
            if dumped[name] is not None:
                dumped[name] = to_json(dumped[name])
        dumped["date_created"] = created
        dumped["date_updated"] = updated
        dumped["version"] = version
        dumped["owner"] = owner
        return dumped

    def load(self, body: object, *, ignore_read_only: bool = False) -> D:
        """The draft that a body holds. Raises: Refusal (`invalid-item` for an item).

        A read-only name is a fault of its own, unless it is to be ignored.
        """
        if ignore_read_only and isinstance(body, dict):
            body = dict(body)
            for name in ENVELOPE:
                body.pop(name, None)
        if self._is_simple and type(body) is dict and self._own.keys() >= body.keys():
            values = body.copy()
            try:
                for name, from_json in self._readers:
                    if name in values:
                        values[name] = from_json(values[name])
                draft = self.collection.draft(**values)
                self.collection.check(draft)
            except (InvalidRecord, TypeError):
                pass  # The schema finds all faults.
            else:
                return draft
        return self.collection.draft(**self._load(body, partial=False))

    def load_some(self, body: object) -> dict[str, Any]:
        """The values that a merge patch holds, by field. Raises: Refusal, as `load` does."""
        return self._load(body, partial=True)

    def _load(self, body: object, *, partial: bool) -> dict[str, Any]:
        return load_body(
            self.schema, body, f"invalid-{self.collection.name}", self.example(), partial=partial
        )

    def to_row(self, draft: D) -> list[Any]:
        """A draft as a list of JSON values, for a file of the server's own."""
        pairs = zip(self._own.values(), draft, strict=True)
        return [None if value is None else field.to_json(value) for field, value in pairs]

    def from_row(self, row: Sequence[Any]) -> D:
        pairs = zip(self._own.values(), row, strict=True)
        return self.collection.draft(*(field.from_json(value) for field, value in pairs))

    def example(self, *, whole: bool = False) -> dict[str, Any]:
        """A draft as JSON has it, such as `{"data": "hello"}`; if not whole, without defaults."""
        needed = {name for name, field in self._own.items() if field.required}
        return {
            name: field.example
            for name, field in self._own.items()
            if field.example is not None and (whole or not needed or name in needed)
        }


def load_body(
    schema: Schema, body: object, code: str, example: Mapping[str, Any], *, partial: bool = False
) -> dict[str, Any]:
    """The fields of a body. Raises: Refusal with this code, whose text may show the example."""
    if not isinstance(body, Mapping):
        fault = f"must be a JSON object, such as {json.dumps(example, ensure_ascii=False)}."
        raise Refusal(code, errors={"body": [fault]})
    values, excess = without_excess(schema, body)
    try:
        loaded: dict[str, Any] = schema.load(values, partial=partial)
    except ValidationError as error:
        faults = error.messages_dict
        for name in faults.keys() & schema.dump_fields.keys() - schema.load_fields.keys():
            faults[name] = ["is read-only; leave it out."]
        raise Refusal(code, errors=faults, more_errors=excess) from None
    return loaded


def without_excess(schema: Schema, values: Mapping[str, Any]) -> tuple[Mapping[str, Any], int]:
    """The values with no more unknown names than an answer lists, and how many were left out.

    A client can send thousands in a short body, and marshmallow makes a fault for each.
    """
    known = [name for name in schema.fields if name in values]
    excess = len(values) - len(known) - MAX_FAULTS
    if excess <= 0:
        return values, 0
    unknown = islice((name for name in values if name not in schema.fields), MAX_FAULTS)
    return {name: values[name] for name in (*known, *unknown)}, excess


def envelope(msg: str, data: object) -> dict[str, Any]:
    return {"success": True, "msg": msg, "data": data}
