"""What a change of the OpenAPI document breaks for those who use the API already."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

VERBS = ("get", "head", "options", "post", "put", "patch", "delete")
LOWER_BOUNDS = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
UPPER_BOUNDS = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})
# What can't be compared with its earlier self, only found to be another.
OPAQUE = frozenset({"pattern", "format", "multipleOf", "uniqueItems", "anyOf", "oneOf", "not"})
EVERY_TYPE = frozenset({"null", "boolean", "object", "array", "integer", "number", "string"})


def breaking_changes(old: Json, new: Json) -> list[str]:
    """A sentence for each thing that a client of `old` could do, or count on, and of `new` can't.

    Neither document may have a schema that contains itself.
    """
    before, after = _operations(old), _operations(new)
    return [
        f"{name}: {change}."
        for name, operation in before.items()
        for change in (
            _operation_changes(operation, after[name]) if name in after else ["is there no more"]
        )
    ]


def referred(document: Json, node: Json) -> Json:
    """The node, or the component that it refers to."""
    return {key: value for each in _referred(node, document) for key, value in each.items()} or node


def _operations(document: Json) -> dict[str, Json]:
    """Each operation by its verb and path, with all references followed."""
    return {
        f"{verb.upper()} {path}": _inlined(item[verb], document)
        for path, item in document["paths"].items()
        for verb in VERBS
        if verb in item
    }


def _inlined(node: Any, document: Json) -> Any:
    """The node with `$ref` and `allOf` replaced by what they stand for."""
    if isinstance(node, list):
        return [_inlined(each, document) for each in node]
    if not isinstance(node, dict):
        return node
    rest = {key: value for key, value in node.items() if key not in ("$ref", "allOf")}
    merged: Json = {}
    for part in (*_referred(node, document), *node.get("allOf", ())):
        merged = _merged(merged, _inlined(part, document))
    return _merged(merged, {key: _inlined(value, document) for key, value in rest.items()})


def _referred(node: Json, document: Json) -> Iterator[Any]:
    if isinstance(reference := node.get("$ref"), str):
        target: Any = document
        for name in reference.removeprefix("#/").split("/"):
            target = target[name.replace("~1", "/").replace("~0", "~")]
        yield target


def _merged(base: Json, more: Json) -> Json:
    """One schema that asks what both ask; where they differ, `more` is the narrower one."""
    merged = base | more
    if "properties" in base and "properties" in more:
        names = base["properties"] | more["properties"]
        merged["properties"] = {
            name: base["properties"].get(name, {}) | more["properties"].get(name, {})
            for name in names
        }
    if "required" in base and isinstance(base["required"], list):
        merged["required"] = sorted({*base["required"], *more.get("required", ())})
    return merged


def _operation_changes(old: Json, new: Json) -> Iterator[str]:
    if old.get("operationId") != new.get("operationId"):
        yield f"generated clients call it {old.get('operationId')!r} no more"
    if {} in (old.get("security") or [{}]) and {} not in (new.get("security") or [{}]):
        yield "one has to sign in for it now"
    yield from _parameter_changes(old.get("parameters", ()), new.get("parameters", ()))
    yield from _body_changes(old.get("requestBody"), new.get("requestBody"))
    for status, answer in old["responses"].items():
        if status not in new["responses"]:
            yield f"it answers {status} no more"
        else:
            yield from _answer_changes(f"the {status} answer", answer, new["responses"][status])


def _parameter_changes(old: Iterable[Json], new: Iterable[Json]) -> Iterator[str]:
    before, after = ({(it["in"], it["name"]): it for it in each} for each in (old, new))
    for (place, name), parameter in before.items():
        called = f"the {place} parameter `{name}`"
        if (place, name) not in after:
            yield f"{called} is gone"
        else:
            yield from _narrowed(
                called, parameter.get("schema", {}), after[place, name].get("schema", {})
            )
    for key, parameter in after.items():
        if parameter.get("required") and not before.get(key, {}).get("required"):
            yield f"the {key[0]} parameter `{key[1]}` is required now"


def _body_changes(old: Json | None, new: Json | None) -> Iterator[str]:
    if new and new.get("required") and not (old and old.get("required")):
        yield "a body is required now"
    if old and not new:
        yield "it takes no body any more"
    if not old or not new:
        return
    for media_type, content in old["content"].items():
        if media_type not in new["content"]:
            yield f"it takes no {media_type} any more"
        else:
            after = new["content"][media_type]
            yield from _narrowed("the body", content.get("schema", {}), after.get("schema", {}))


def _narrowed(called: str, old: Json, new: Json) -> Iterator[str]:
    """What was fine to send, and isn't now."""
    yield from _narrowed_values(called, old, new)
    yield from _tightened(called, old, new)
    yield from _narrowed_fields(called, old, new)
    if "items" in new:
        yield from _narrowed(f"{called}[]", old.get("items", {}), new["items"])


def _tightened(called: str, old: Json, new: Json) -> Iterator[str]:
    for bounds, tighter in ((LOWER_BOUNDS, max), (UPPER_BOUNDS, min)):
        for bound in new.keys() & bounds:
            before, after = old.get(bound), new[bound]
            if after != before and (before is None or tighter(before, after) == after):
                yield f"{called} has a tighter {bound}, {after}"
    for keyword in new.keys() & OPAQUE:
        if new[keyword] != old.get(keyword):
            yield f"{called} has another {keyword}"


def _narrowed_fields(called: str, old: Json, new: Json) -> Iterator[str]:
    after = new.get("properties", {})
    for name, field in old.get("properties", {}).items():
        if name in after:
            yield from _narrowed(_inside(called, name), field, after[name])
        else:
            yield f"{_inside(called, name)} is gone"
    for name in sorted({*new.get("required", ())} - {*old.get("required", ())}):
        yield f"{_inside(called, name)} is required now"
    if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
        yield f"{called} takes no other fields any more"


def _inside(called: str, name: str) -> str:
    """What a field is called: `the body at data`, `the 200 answer at data[].version`."""
    return f"{called}{'.' if ' at ' in called else ' at '}{name}"


def _narrowed_values(called: str, old: Json, new: Json) -> Iterator[str]:
    for kind in sorted(_types(old) - _types(new)):
        yield f"{called} may be no {kind} any more"
    before, after = _values(old), _values(new)
    if after is not None:
        for value in before or ():
            if value not in after:
                yield f"{called} may be {value!r} no more"
        if before is None:
            yield f"{called} must be one of {after} now"


def _types(schema: Json) -> frozenset[str]:
    given = schema.get("type", EVERY_TYPE)
    types = frozenset([given] if isinstance(given, str) else given)
    return types | {"integer"} if "number" in types else types


def _values(schema: Json) -> list[Any] | None:
    """The values that are possible; None if they aren't listed."""
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _answer_changes(called: str, old: Json, new: Json) -> Iterator[str]:
    """What was there to be read, and isn't now."""
    for name in old.get("headers", {}):
        if name not in new.get("headers", {}):
            yield f"{called} has no header {name} any more"
    after = new.get("content", {})
    for media_type, content in old.get("content", {}).items():
        if media_type not in after:
            yield f"{called} is no {media_type} any more"
        else:
            schema, schema_now = (it.get("schema", {}) for it in (content, after[media_type]))
            yield from _thinned(called, schema, schema_now)


def _thinned(called: str, old: Json, new: Json) -> Iterator[str]:
    """What a reader of a schema's values can't count on any more."""
    for kind in sorted(_types(new) - _types(old)):
        yield f"{called} may be {kind} now"
    after = new.get("properties", {})
    for name, field in old.get("properties", {}).items():
        if name not in after:
            yield f"{_inside(called, name)} is gone"
            continue
        if name in old.get("required", ()) and name not in new.get("required", ()):
            yield f"{_inside(called, name)} may be absent now"
        yield from _thinned(_inside(called, name), field, after[name])
    if "items" in old:
        yield from _thinned(f"{called}[]", old["items"], new.get("items", {}))
