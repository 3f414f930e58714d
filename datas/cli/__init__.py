"""Commands for accounts, items, the schema and the OpenAPI document. `__main__` collects them."""
