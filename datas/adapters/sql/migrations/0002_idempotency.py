"""The table of requests that named an Idempotency-Key, with the answers they got."""

import peewee


def up(migrator, db):
    class Idempotency(peewee.Model):
        actor = peewee.TextField()
        key = peewee.TextField()
        fingerprint = peewee.BlobField()
        date_created = peewee.DateTimeField(index=True)
        answer = peewee.BlobField()

        class Meta:
            database = db
            table_name = "idempotency"
            primary_key = peewee.CompositeKey("actor", "key")

    db.create_tables([Idempotency], safe=False)
