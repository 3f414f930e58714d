"""A history taken apart by record: what each request did to each record, or was told of it."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from math import inf
from typing import NamedTuple

from tests.prove.history import ANSWERED, REFUSED, UNKNOWN, Operation, Seen
from tests.prove.search import ABSENT, MISMATCH, UNCHANGED, Call
from tests.prove.search import UNKNOWN as OPEN

ANSWERS = {304: UNCHANGED, 404: ABSENT, 412: MISMATCH}


class Registers(NamedTuple):
    """What a history says of records."""

    calls: Mapping[int, list[Call]]  # by id
    ids: Mapping[str, dict[int, Operation]]  # of the records that showed a text, and who saw it


def take_apart(operations: Sequence[Operation]) -> Registers:
    ids: dict[str, dict[int, Operation]] = defaultdict(dict)
    for each in operations:
        for seen in each.seen:
            ids[seen.text].setdefault(seen.id, each)
    calls: dict[int, list[Call]] = defaultdict(list)
    for creation in creations(operations):
        for text in texts_of(creation):
            for record_id in ids.get(text, ()):
                calls[record_id].append(_created(creation, text))
    touched = {each.record for each in operations if each.do in ("replace", "change", "delete")}
    for each in operations:
        if each.do in ("page", "export", "backup"):
            _add_list(each, calls, touched)
        elif each.record and each.outcome != REFUSED and (call := _call(each)):
            calls[each.record].append(call)
    return Registers(calls, ids)


def _add_list(each: Operation, calls: Mapping[int, list[Call]], touched: Container[int]) -> None:
    """Of a record that nobody changes, the same again is nothing new."""
    for seen in each.seen:
        told = calls[seen.id]
        if seen.id in touched or not told or told[-1].answer != seen[1:3]:
            told.append(_read(each, seen))


def creations(operations: Iterable[Operation]) -> list[Operation]:
    """Each creation once: the tries with one key are one request, until its first answer."""
    alone, by_key = [], defaultdict[str, list[Operation]](list)
    for each in operations:
        if each.do not in ("create", "bulk") or each.outcome == REFUSED:
            continue
        if each.key:
            by_key[each.key].append(each)
        else:
            alone.append(each)
    for tries in by_key.values():
        answered = [each for each in tries if each.outcome == ANSWERED]
        last = min(answered, key=lambda each: each.ended) if answered else tries[-1]
        alone.append(last._replace(begun=min(each.begun for each in tries)))
    return alone


def texts_of(creation: Operation) -> list[str]:
    """What the new records hold; a bulk request has several, one a line."""
    return creation.text.split("\n")


def _created(creation: Operation, text: str) -> Call:
    known = creation.outcome == ANSWERED
    answer = (text, 1) if known else OPEN
    ended = creation.ended if known else inf
    return Call(creation.begun, ended, "create", answer, text, None, creation)


def _read(operation: Operation, seen: Seen) -> Call:
    answer = (seen.text, seen.version)
    return Call(operation.begun, operation.ended, "read", answer, operation=operation)


def _call(each: Operation) -> Call | None:
    """One request about one record; None, if it says nothing about it."""
    do = {"replace": "write", "change": "write", "delete": "delete", "read": "read"}.get(each.do)
    if do is None or (do == "read" and each.outcome == UNKNOWN):
        return None
    if each.outcome == UNKNOWN:
        return Call(each.begun, inf, do, OPEN, each.text, each.match, each)
    if each.status == 200 and each.seen:
        answer: object = (each.seen[0].text, each.seen[0].version)
    else:
        answer = ANSWERS.get(each.status)
    if answer is None:
        return None
    match = each.match if do != "read" or each.status == 304 else None
    return Call(each.begun, each.ended, do, answer, each.text, match, each)  # type: ignore[arg-type]
