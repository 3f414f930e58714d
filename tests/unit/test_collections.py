"""Declarations of collections: what they check, and the sentence for each fault of their own."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from datas.domain import rules
from datas.domain.errors import InvalidRecord
from datas.domain.items import ITEMS
from datas.domain.records import Collection
from tests.every_rule import GADGETS, MAKERS, GadgetDraft, MakerDraft


class ReservedDraft(NamedTuple):
    """A field of the envelope, and one of the table."""

    version: int
    search_key: str
    name: str


def _without(name: str) -> dict[str, rules.Rule]:
    return {field: rule for field, rule in GADGETS.rules.items() if field != name}


LABELS = rules.optional(rules.texts(rules.text(0, 150), 3))
FAULTS: list[tuple[Collection[Any], str]] = [
    (replace(GADGETS, rules=_without("count")), "gadgets has no rule for its field count"),
    (
        replace(MAKERS, rules={**MAKERS.rules, "age": rules.integer()}),
        "makers has a rule for age, which is no field",
    ),
    (replace(GADGETS, sorts=("id", "size")), "gadgets can't be sorted by size"),
    (replace(GADGETS, sorts=("id", "rank")), "gadgets can't be sorted by rank, which may be null"),
    (replace(GADGETS, sorts=("id", "owner")), "gadgets can't be sorted by owner"),
    (replace(GADGETS, search="title"), "gadgets names title, which is no field"),
    (replace(GADGETS, unique=("code",)), "gadgets names code, which is no field"),
    (replace(GADGETS, unique=("version",)), "gadgets names version, which is no field"),
    (
        replace(MAKERS, rules={"name": rules.text(1, 651)}),
        "makers can't be sorted by name, nor can name be unique: its rule allows 2604 bytes",
    ),
    (
        replace(GADGETS, unique=("labels",), rules={**GADGETS.rules, "labels": LABELS}),
        "gadgets can't be sorted by labels, nor can labels be unique: its rule allows 2711 bytes",
    ),
    (replace(GADGETS, references={"shop_id": "makers"}), "gadgets names shop_id, which is no"),
    (replace(MAKERS, name="Maker"), "makers can't have the name 'Maker'"),
    (replace(MAKERS, name="user"), "makers can't have the name 'user'"),
    (replace(MAKERS, plural="the makers"), "the makers needs a plural of a-z and _"),
    (replace(MAKERS, path="users"), "makers can't have the path 'users'"),
    (replace(MAKERS, path="tokens"), "makers can't have the path 'tokens'"),
    (replace(MAKERS, path="bulk"), "makers can't have the path 'bulk'"),
    (replace(MAKERS, path="a/b"), "makers can't have the path 'a/b'"),
    (
        replace(MAKERS, draft=tuple),  # type: ignore[arg-type]
        "makers needs a draft that is a NamedTuple",
    ),
]


@pytest.mark.parametrize(("collection", "sentence"), FAULTS, ids=[text for _, text in FAULTS])
def test_a_fault_of_a_declaration_is_named(collection: Collection[Any], sentence: str) -> None:
    """With the collection and the field."""
    found = list(collection.faults())
    assert any(f"The collection {sentence}" in fault for fault in found), found


@pytest.mark.parametrize("field", ["version", "search_key"])
def test_a_field_that_the_server_keeps_is_refused(field: str) -> None:
    """A client could not write it."""
    fields = dict.fromkeys(ReservedDraft._fields, rules.text(1, 5))
    notes: Collection[Any] = Collection("note", "notes", ReservedDraft, fields)
    assert any(f"notes can't have a field {field}:" in fault for fault in notes.faults())


@pytest.mark.parametrize("collection", [ITEMS, MAKERS, GADGETS], ids=lambda it: it.plural)
def test_a_good_declaration_has_no_faults(collection: Collection[Any]) -> None:
    """Neither ours nor those of the tests."""
    assert list(collection.faults()) == []


def test_all_faults_of_a_draft_are_told_at_once() -> None:
    """Each under its field's name; the error's code has the collection's."""
    draft = GadgetDraft("", rank=11, price=Decimal("1e400"), tags=("a", ""), maker_id=0)
    with pytest.raises(InvalidRecord) as caught:
        GADGETS.check(draft)
    assert list(caught.value.errors) == ["name", "price", "tags", "rank", "maker_id"]
    assert caught.value.code == "invalid-gadget"
    GADGETS.check(GadgetDraft("good"))


def test_values_are_checked_by_their_names() -> None:
    """None is a value where the rule allows it; a name that is no field is refused."""
    GADGETS.check_values({"rank": None, "name": "x"})
    with pytest.raises(InvalidRecord) as caught:
        GADGETS.check_values({"name": None, "size": 7, "rank": 1})
    assert caught.value.errors == {
        "name": ["must be a string."],
        "size": ["is no field of a gadget; leave it out."],
    }


def test_a_collection_says_its_names_as_sentences_need_them() -> None:
    """With an article, a capital, and blanks for underscores."""
    boxes = replace(MAKERS, name="old_box", plural="old_boxes", draft=MakerDraft)
    assert (boxes.one, boxes.title, boxes.plural_title) == ("an old box", "Old box", "Old boxes")
    assert (boxes.route, replace(boxes, path="boxes").route) == ("/api/old_boxes", "/api/boxes")
