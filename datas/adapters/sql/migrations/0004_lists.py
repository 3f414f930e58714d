"""What finds items: the text that a search looks through, and an index for each order."""

import peewee

from datas.domain.query import search_key

BATCH = 1000


def up(migrator, db):
    # Peewee's own way would copy SQLite's table, and forget the highest id that was ever given.
    db.execute_sql("ALTER TABLE datas ADD COLUMN search_key TEXT NOT NULL DEFAULT ''")
    _fill(db)
    for field in ("data", "date_created", "date_updated"):
        migrator.migrate(migrator.add_index("datas", (field, "id")))
        # A user's own items, in each order; what nobody owns needs none of these.
        db.execute_sql(
            f"CREATE INDEX datas_owner_{field} ON datas (owner, {field}, id) "
            "WHERE owner IS NOT NULL"
        )


def _fill(db):
    class Datas(peewee.Model):
        data = peewee.TextField()

        class Meta:
            database = db
            table_name = "datas"

    update = "UPDATE datas SET search_key = ? WHERE id = ?".replace("?", db.param)
    last = 0
    while rows := list(Datas.select().where(Datas.id > last).order_by(Datas.id).limit(BATCH)):
        db.cursor().executemany(update, [(search_key(row.data), row.id) for row in rows])
        last = rows[-1].id
