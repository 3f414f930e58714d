"""The same five routes as SQLModel's tutorial writes them with FastAPI."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import pysqlite3.dbapi2
from fastapi import Depends, FastAPI, HTTPException, Query
from sqlalchemy import event
from sqlmodel import Field, Session, SQLModel, create_engine, select

ROUTE = os.environ["BENCH_ROUTE"]
# The same SQLite as Datas has.
engine = create_engine(os.environ["BENCH_DATABASE_URL"], module=pysqlite3.dbapi2)


@event.listens_for(engine, "connect")
def as_durable_as_datas(connection, _):
    """WAL, and on the disk before anybody is told."""
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("PRAGMA synchronous = full")


class NewItem(SQLModel):
    """What a client writes."""

    data: str = Field(min_length=1, max_length=255)


class Item(NewItem, table=True):
    """A row."""

    __tablename__ = "datas"

    id: int | None = Field(default=None, primary_key=True)
    date_created: datetime
    date_updated: datetime


class PublicItem(NewItem):
    """What a client reads."""

    id: int
    date_created: datetime
    date_updated: datetime


class Answer(SQLModel):
    """One item."""

    success: bool = True
    msg: str
    data: PublicItem


class Page(SQLModel):
    """Many."""

    success: bool = True
    msg: str
    data: list[PublicItem]


def opened_session() -> Iterator[Session]:
    """A session for one request."""
    with Session(engine) as session:
        yield session


Opened = Annotated[Session, Depends(opened_session)]
SQLModel.metadata.create_all(engine)
app = FastAPI()


def existing(session: Session, item_id: int) -> Item:
    """The item, or a 404."""
    item = session.get(Item, item_id)
    if item is None:
        raise HTTPException(status_code=404, detail="Item not found")
    return item


@app.get(ROUTE, response_model=Page)
def page(session: Opened, limit: Annotated[int, Query(ge=1, le=1000)] = 100, q: str | None = None):
    """A page of items."""
    query = select(Item).order_by(Item.id).limit(limit)
    if q:
        query = query.where(Item.data.contains(q, autoescape=True))
    found = session.exec(query).all()
    return {"msg": f"Items found ({len(found)})", "data": found}


@app.post(ROUTE, response_model=Answer, status_code=201)
def create(session: Opened, new: NewItem):
    """Create an item."""
    now = datetime.now(UTC)
    item = Item(data=new.data, date_created=now, date_updated=now)
    session.add(item)
    session.commit()
    session.refresh(item)
    return {"msg": f"Item [{item.id}] successfully created", "data": item}


@app.get(f"{ROUTE}/{{item_id}}", response_model=Answer)
def get(session: Opened, item_id: int):
    """Read it."""
    return {"msg": f"Item [{item_id}] found", "data": existing(session, item_id)}


@app.put(f"{ROUTE}/{{item_id}}", response_model=Answer)
def replace(session: Opened, item_id: int, new: NewItem):
    """Replace it."""
    item = existing(session, item_id)
    item.data, item.date_updated = new.data, datetime.now(UTC)
    session.add(item)
    session.commit()
    session.refresh(item)
    return {"msg": f"Item [{item_id}] successfully updated", "data": item}


@app.delete(f"{ROUTE}/{{item_id}}", response_model=Answer)
def delete(session: Opened, item_id: int):
    """Delete it."""
    item = existing(session, item_id)
    session.delete(item)
    session.commit()
    return {"msg": f"Item [{item_id}] successfully deleted", "data": item}
