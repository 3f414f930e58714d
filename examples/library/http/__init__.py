"""The library on the wire."""
