"""A client by openapi-python-client: sign in, create, page, update, filter by time."""

import sys
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from client import AuthenticatedClient, Client, models
from client.api.items import change_item, create_item, get_item, list_items, replace_item
from client.api.users import register_user, revoke_current_token, sign_in
from client.types import UNSET

anonymous = Client(base_url=sys.argv[1])
credentials = {"username": "opc", "password": "correct horse"}
register_user.sync(client=anonymous, body=models.Registration(**credentials))
token = sign_in.sync(client=anonymous, body=models.Credentials(**credentials)).data.token
client = AuthenticatedClient(base_url=sys.argv[1], token=token)

start = datetime.now(UTC)
made = [
    create_item.sync(client=client, body=models.ItemDraft(data=f"item {n}")).data for n in range(5)
]
assert isinstance(made[0].date_created, datetime)
found, after = [], UNSET
while True:
    page = list_items.sync(client=client, limit=2, after=after, owner="opc")
    found += [item.id for item in page.data]
    if page.next_ is None:
        break
    [after] = parse_qs(urlsplit(page.next_).query)["after"]
assert found == [item.id for item in made]

tag = get_item.sync_detailed(made[0].id, client=client).headers["ETag"]
body = models.ItemReplacement(data="changed")
assert replace_item.sync(made[0].id, client=client, body=body, if_match=tag).data.version == 2
late = change_item.sync(made[0].id, client=client, body=models.ItemPatch(data="x"), if_match=tag)
assert isinstance(late, models.Problem)
assert late.status == 412
assert len(list_items.sync(client=client, created_from=start, owner="opc").data) == 5
assert not list_items.sync(client=client, created_from=start + timedelta(days=1)).data
assert revoke_current_token.sync(client=client).success
