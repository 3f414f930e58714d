"""The port `Loans` over a table, and over memory."""

from typing import Any

import peewee

from datas.adapters.memory import Memory
from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.fields import MomentField
from datas.adapters.sql.queries import compiled, parameter
from datas.domain.errors import RecordNotFound
from library.domain.books import BOOKS
from library.domain.lending import Loan


class LoanRow(peewee.Model):
    """One book that is out."""

    book_id = peewee.BigIntegerField(primary_key=True)
    date_lent = MomentField()
    lent_by = peewee.TextField(null=True)

    class Meta:
        table_name = "loans"


_DATE_LENT: Any = LoanRow.date_lent


class SqlLoans:
    """Loans in the table."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database
        param = parameter(database.peewee)
        values = dict.fromkeys((LoanRow.book_id, LoanRow.date_lent, LoanRow.lent_by), param)
        of_book = LoanRow.book_id == param
        self._add, self._get, self._remove = (
            compiled(database.peewee, query)
            for query in (
                LoanRow.insert(values).on_conflict_ignore().returning(LoanRow.book_id),
                LoanRow.select().where(of_book),
                LoanRow.delete().where(of_book).returning(LoanRow.book_id),
            )
        )

    def add(self, loan: Loan) -> bool:
        """INSERT … ON CONFLICT DO NOTHING: of many at once, one gets the book."""
        date_lent = _DATE_LENT.db_value(loan.date_lent)
        try:
            rows = self._database.write(self._add, loan.book_id, date_lent, loan.lent_by)
        except self._database.integrity_error:
            raise RecordNotFound(BOOKS.name, loan.book_id) from None
        return bool(rows)

    def get(self, book_id: int) -> Loan | None:
        """SELECT … WHERE book_id = ?"""
        rows = self._database.read(self._get, book_id)
        if not rows:
            return None
        [(_, date_lent, lent_by)] = rows
        return Loan(book_id, _DATE_LENT.python_value(date_lent), lent_by)

    def remove(self, book_id: int) -> bool:
        """DELETE … WHERE book_id = ?"""
        return bool(self._database.write(self._remove, book_id))


class MemoryLoans:
    """Loans in a dictionary, which `Memory.atomic` rolls back with all others."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        memory.other_tables["loans"] = {}

    @property
    def _loans(self) -> dict[int, Loan]:
        return self._memory.other_tables["loans"]

    def add(self, loan: Loan) -> bool:
        with self._memory.lock:
            return self._loans.setdefault(loan.book_id, loan) is loan

    def get(self, book_id: int) -> Loan | None:
        with self._memory.lock:
            return self._loans.get(book_id)

    def remove(self, book_id: int) -> bool:
        with self._memory.lock:
            return self._loans.pop(book_id, None) is not None
