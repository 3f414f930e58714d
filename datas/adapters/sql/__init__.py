"""The ports over a database, by Peewee.

Peewee and its migrations import every PostgreSQL driver that they find: here they find none.
`postgres.py` brings its own, if a URL asks for it.
"""

import sys

_hidden = [name for name in ("psycopg", "psycopg2", "psycopg2cffi") if name not in sys.modules]
sys.modules.update(dict.fromkeys(_hidden))  # type: ignore[arg-type]  # None: not to be imported
try:
    import playhouse.migrations  # noqa: F401 (before another module does)
finally:
    for _name in _hidden:
        del sys.modules[_name]
