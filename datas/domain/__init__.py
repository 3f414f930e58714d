"""The rules. Pure: nothing but the standard library is imported here."""
