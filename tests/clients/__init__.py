"""Clients that others' tools make from the OpenAPI document."""
