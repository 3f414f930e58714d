"""What is wrong with a package as a whole, beside what is wrong with each of its collections."""

from dataclasses import replace

import pytest

from datas.served import InvalidPackage, Package, Served
from tests.every_rule import GADGET_FILTERS, GADGETS, MAKERS, GadgetRow, MakerRow
from tests.http.gadgets import GadgetSchema, MakerSchema
from tests.served import PLURAL

SHOP_MAKERS = Served(MAKERS, MakerSchema, MakerRow)
SHOP_GADGETS = Served(GADGETS, GadgetSchema, GadgetRow, GADGET_FILTERS)
TAKEN = replace(SHOP_MAKERS, collection=replace(MAKERS, plural=PLURAL))
FAULTS = {
    "The package 'My shop' needs a name": Package("My shop", [SHOP_MAKERS]),
    "Two collections of shop have the name maker": Package("shop", [SHOP_MAKERS, SHOP_MAKERS]),
    "refers by maker_id to makers, which is no collection of shop": Package("shop", [SHOP_GADGETS]),
    f"shop can't have a collection {PLURAL}, as Datas has one": Package("shop", [TAKEN]),
}


@pytest.mark.parametrize(("sentence", "package"), FAULTS.items(), ids=FAULTS)
def test_a_fault_of_a_package_is_named(sentence: str, package: Package) -> None:
    """With the package and the collection."""
    with pytest.raises(InvalidPackage) as caught:
        package.check()
    assert sentence in str(caught.value)


def test_a_package_of_several_collections_has_no_fault() -> None:
    """A collection may come before the one that it refers to; tables come in the other order."""
    package = Package("shop", [SHOP_GADGETS, SHOP_MAKERS])
    package.check()
    assert list(package.tables)[-2:] == ["makers", "gadgets"]
