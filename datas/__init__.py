"""Datas: a small HTTP API over collections of records, and the service behind it."""

__version__ = "0.2.0"
