"""Datas: a small HTTP API over one table, and the service behind it."""

__version__ = "0.1.0"
