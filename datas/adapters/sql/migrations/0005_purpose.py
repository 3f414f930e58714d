"""What a password was tried for: a column, where a suffix of the username said it before."""


def up(migrator, db):
    db.execute_sql("ALTER TABLE attempts ADD COLUMN purpose TEXT NOT NULL DEFAULT 'sign-in'")
    # A username has no space, so the suffix is never part of one.
    db.execute_sql(
        "UPDATE attempts SET purpose = 'change-password', "
        "username = replace(username, ' (change)', '') "
        "WHERE username <> replace(username, ' (change)', '')"
    )
    migrator.migrate(
        migrator.drop_index("attempts", "attempts_username_date"),
        migrator.add_index("attempts", ("username", "purpose", "date")),
    )
