"""The collection that this project serves, for tests that are about any collection.

They take its words from here, so that a new name is written where it is declared. Tests that say
to the letter what an item is stand in `test_items*.py`.
"""

from datas.http.resources.records_openapi import camel
from datas.served import DATAS_ITEMS

SERVED = DATAS_ITEMS.collections[0]
COLLECTION = SERVED.collection
NAME, PLURAL = COLLECTION.name, COLLECTION.plural
SCHEMA, MANY = camel(NAME), camel(PLURAL)  # in the OpenAPI document
RECORDS = COLLECTION.plural_title  # as sentences begin with it
INVALID, NOT_FOUND = f"invalid-{NAME}", f"{NAME}-not-found"
KEPT = DATAS_ITEMS.first_request["records"]  # as a server speaks of all that it keeps
ROUTE = COLLECTION.route
BULK = f"{ROUTE}/bulk"
ONE = f"{ROUTE}/{{{NAME}_id}}"  # as logs, metrics and the OpenAPI document have it
