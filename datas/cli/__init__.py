"""Commands for accounts, records, the schema and the OpenAPI document. `__main__` collects them."""
