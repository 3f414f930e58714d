"""The database that the first version made, as a file, and what its clients remember."""

import sqlite3
from contextlib import closing
from pathlib import Path

OLD_DATABASE = Path(__file__).parent / "data/old_database.sql"
ALICES_TOKEN = "datas_rCg32KejKzD3gLgCLAW2g6XxqR1oR27NvXOZCMwr0QY"
BOBS_TOKEN = "datas_XBJNWwpPhe26-4H3B0H_IMJlEiNdY6YAeR5h8emsXFE"
KEPT_KEY = '"an-old-key"'
KEPT_ANSWER = (
    b'{"success":true,"msg":"Item [12] successfully created","data":{"id":12,"data":"once",'
    b'"date_created":"2999-01-01T00:00:00.750003Z","date_updated":"2999-01-01T00:00:00.750003Z",'
    b'"version":1,"owner":"alice"}}'
)


def restore_old_database(path: Path) -> None:
    """Make the file that the first version made; see `make_old_database.py`."""
    path.touch(0o600)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(OLD_DATABASE.read_text())
