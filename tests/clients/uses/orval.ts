// A client by orval, with fetch.
import * as api from "./orval-client";
import { check, cursor, tomorrow, url } from "./common";

function good<Answer extends { status: number }, Status extends number>(
  answer: Answer,
  status: Status,
): Extract<Answer, { status: Status }> {
  check(answer.status === status, `${answer.status}, not ${status}`);
  return answer as Extract<Answer, { status: Status }>;
}

async function main(): Promise<void> {
  check(api.getListItemsUrl() === `${url}/api/datas`, "the address");
  const credentials = { username: "orval", password: "correct horse" };
  good(await api.registerUser(credentials), 201);
  const token = good(await api.signIn(credentials), 201).data.data.token;
  const signed = { headers: { Authorization: `Bearer ${token}` } };

  const start = new Date();
  const made: number[] = [];
  for (let n = 0; n < 5; n += 1) {
    made.push(good(await api.createItem({ data: `item ${n}` }, signed), 201).data.data.id);
  }
  const found: number[] = [];
  let after: string | undefined;
  do {
    const page = good(await api.listItems({ limit: 2, owner: "orval", after }), 200);
    found.push(...page.data.data.map((item) => item.id));
    after = cursor(page.data.next);
  } while (after);
  check(found.join() === made.join(), "pages");

  const read = good(await api.getItem(made[0]!), 200);
  const headers = { ...signed.headers, "If-Match": read.headers.get("ETag")! };
  const change = { data: "changed" };
  check(
    good(await api.replaceItem(made[0]!, change, { headers }), 200).data.data.version === 2,
    "update",
  );
  good(await api.replaceItem(made[0]!, change, { headers }), 412);
  const recent = { created_from: start.toISOString(), owner: "orval" };
  check(good(await api.listItems(recent), 200).data.data.length === 5, "times");
  const none = { created_from: tomorrow().toISOString() };
  check(good(await api.listItems(none), 200).data.data.length === 0, "tomorrow");
  good(await api.revokeCurrentToken(signed), 200);
}

void main();
