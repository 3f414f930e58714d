// A client by @hey-api/openapi-ts.
import * as api from "./hey-api";
import { client } from "./hey-api/client.gen";
import { check, cursor, tomorrow, url } from "./common";

async function main(): Promise<void> {
  client.setConfig({ baseUrl: url });
  const body = { username: "hey", password: "correct horse" };
  await api.registerUser({ body });
  const token = (await api.signIn({ body })).data!.data.token;
  client.setConfig({ auth: token });

  const start = new Date();
  const made: number[] = [];
  for (let n = 0; n < 5; n += 1) {
    made.push(Number((await api.createItem({ body: { data: `item ${n}` } })).data!.data.id));
  }
  const found: number[] = [];
  let after: string | undefined;
  do {
    const page = await api.listItems({ query: { limit: 2, owner: "hey", after } });
    found.push(...page.data!.data.map((item) => Number(item.id)));
    after = cursor(page.data!.next);
  } while (after);
  check(found.join() === made.join(), "pages");

  const path = { item_id: made[0]! };
  const read = await api.getItem({ path });
  const headers = { "If-Match": read.response!.headers.get("ETag")! };
  const change = { path, headers, body: { data: "changed" } };
  check(Number((await api.replaceItem(change)).data!.data.version) === 2, "update");
  const late = await api.replaceItem(change);
  check(Number(late.error!.status) === 412, "a stale ETag");
  const query = { created_from: start.toISOString(), owner: "hey" };
  check((await api.listItems({ query })).data!.data.length === 5, "times");
  const none = { created_from: tomorrow().toISOString() };
  check((await api.listItems({ query: none })).data!.data.length === 0, "tomorrow");
  check((await api.revokeCurrentToken()).data!.success, "revoke");
}

void main();
