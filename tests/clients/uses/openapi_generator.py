"""A client by openapi-generator's `python`: sign in, create, page, update, filter by time."""

import sys
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import openapi_client as api
from openapi_client.exceptions import ApiException

client = api.ApiClient(api.Configuration(host=sys.argv[1]))
users, items = api.UsersApi(client), api.ItemsApi(client)
users.register_user(api.Registration(username="og-python", password="correct horse"))
signed_in = users.sign_in(api.Credentials(username="og-python", password="correct horse"))
client.configuration.access_token = signed_in.data.token
assert users.list_tokens().data[0].current

start = datetime.now(UTC)
made = [items.create_item(api.ItemDraft(data=f"item {n}")).data for n in range(5)]
assert made[0].owner == "og-python"
found, after = [], None
while True:
    page = items.list_items(limit=2, after=after, owner="og-python")
    found += [item.id for item in page.data]
    if page.next is None:
        break
    [after] = parse_qs(urlsplit(page.next).query)["after"]
assert found == [item.id for item in made]

answer = items.get_item_with_http_info(made[0].id)
[tag] = [value for name, value in answer.headers.items() if name.lower() == "etag"]
updated = items.replace_item(made[0].id, api.ItemReplacement(data="changed"), if_match=tag)
assert (updated.data.version, updated.data.data) == (2, "changed")
late = None
try:
    items.change_item(made[0].id, api.ItemPatch(data="late"), if_match=tag)
except ApiException as error:
    late = error
assert late is not None
assert (late.status, late.data.status) == (412, 412)
assert len(items.list_items(created_from=start, owner="og-python").data) == 5
assert not items.list_items(created_from=start + timedelta(days=1)).data
assert items.delete_item(made[1].id).success
assert users.revoke_current_token().data is None
