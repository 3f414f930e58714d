"""The same five routes as they are written with Flask-RestX and Flask-SQLAlchemy."""

import os
from datetime import UTC, datetime

import flask_restx
import pysqlite3.dbapi2
from flask import Flask
from flask_restx import Api, Resource, fields, reqparse
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["BENCH_DATABASE_URL"]
# The same SQLite as Datas has.
app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"module": pysqlite3.dbapi2}
database = SQLAlchemy(app)
api = Api(app, version="1.0", title="Datas", doc="/docs")
datas = api.namespace("datas", path=os.environ["BENCH_ROUTE"], description="Items")


class Item(database.Model):
    """A row."""

    __tablename__ = "datas"

    id = database.Column(database.Integer, primary_key=True)
    data = database.Column(database.String(255), nullable=False)
    date_created = database.Column(database.DateTime, nullable=False)
    date_updated = database.Column(database.DateTime, nullable=False)


written = datas.model(
    "NewItem", {"data": fields.String(required=True, min_length=1, max_length=255)}
)
item = datas.model(
    "Item",
    {
        "id": fields.Integer,
        "data": fields.String,
        "date_created": fields.DateTime,
        "date_updated": fields.DateTime,
    },
)
success, msg = fields.Boolean(default=True), fields.String
answer = datas.model("Answer", {"success": success, "msg": msg, "data": fields.Nested(item)})
page = datas.model(
    "Page", {"success": success, "msg": msg, "data": fields.List(fields.Nested(item))}
)
question = reqparse.RequestParser()
question.add_argument("limit", type=flask_restx.inputs.int_range(1, 1000), default=100)
question.add_argument("q", type=str)


@datas.route("")
class Items(Resource):
    """The collection."""

    @datas.expect(question)
    @datas.marshal_with(page)
    def get(self):
        """A page of items."""
        asked = question.parse_args()
        query = database.select(Item).order_by(Item.id).limit(asked["limit"])
        if asked["q"]:
            query = query.where(Item.data.contains(asked["q"], autoescape=True))
        found = database.session.scalars(query).all()
        return {"msg": f"Items found ({len(found)})", "data": found}

    @datas.expect(written, validate=True)
    @datas.marshal_with(answer, code=201)
    def post(self):
        """Create an item."""
        now = datetime.now(UTC)
        new = Item(data=api.payload["data"], date_created=now, date_updated=now)
        database.session.add(new)
        database.session.commit()
        return {"msg": f"Item [{new.id}] successfully created", "data": new}, 201


@datas.route("/<int:item_id>")
class OneItem(Resource):
    """One item."""

    @datas.marshal_with(answer)
    def get(self, item_id):
        """Read it."""
        found = database.get_or_404(Item, item_id)
        return {"msg": f"Item [{item_id}] found", "data": found}

    @datas.expect(written, validate=True)
    @datas.marshal_with(answer)
    def put(self, item_id):
        """Replace it."""
        found = database.get_or_404(Item, item_id)
        found.data, found.date_updated = api.payload["data"], datetime.now(UTC)
        database.session.commit()
        return {"msg": f"Item [{item_id}] successfully updated", "data": found}

    @datas.marshal_with(answer)
    def delete(self, item_id):
        """Delete it."""
        found = database.get_or_404(Item, item_id)
        database.session.delete(found)
        database.session.commit()
        return {"msg": f"Item [{item_id}] successfully deleted", "data": found}


with app.app_context():

    @event.listens_for(database.engine, "connect")
    def as_durable_as_datas(connection, _):
        """WAL, and on the disk before anybody is told."""
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("PRAGMA synchronous = full")

    # The worker, which is a fork, opens connections of its own.
    database.create_all()
    database.engine.dispose()
