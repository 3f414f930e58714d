"""The tables of users, their tokens and tries to sign in; and whose an item is.

A user who owns items can't be deleted; tokens go with their user.
"""

import peewee

from datas.adapters.sql.fields import IdField


def up(migrator, db):
    class Users(peewee.Model):
        id = IdField()
        username = peewee.TextField(unique=True)
        date_joined = peewee.DateTimeField()
        password_hash = peewee.TextField()

        class Meta:
            database = db
            table_name = "users"

    class Tokens(peewee.Model):
        id = IdField()
        username = peewee.ForeignKeyField(
            Users, field=Users.username, column_name="username", on_delete="CASCADE"
        )
        digest = peewee.BlobField(unique=True)
        label = peewee.TextField()
        date_created = peewee.DateTimeField()
        date_expires = peewee.DateTimeField()

        class Meta:
            database = db
            table_name = "tokens"

    class Attempts(peewee.Model):
        username = peewee.TextField()
        address = peewee.TextField()
        date = peewee.DateTimeField(index=True)

        class Meta:
            database = db
            table_name = "attempts"
            indexes = ((("username", "date"), False),)

    db.create_tables([Users, Tokens, Attempts], safe=False)
    owner = peewee.ForeignKeyField(Users, field=Users.username, null=True, index=False)
    migrator.migrate(
        migrator.add_column("datas", "owner", owner),
        migrator.add_index("datas", ("owner", "id")),
    )
