"""The ports over a database, by Peewee."""
