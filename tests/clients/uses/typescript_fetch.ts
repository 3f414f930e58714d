// A client by openapi-generator's `typescript-fetch`.
import { Configuration, ItemsApi, ResponseError, UsersApi } from "./typescript-fetch";
import { check, cursor, tomorrow, url } from "./common";

async function main(): Promise<void> {
  const credentials = { username: "og-ts", password: "correct horse" };
  const anonymous = new UsersApi(new Configuration({ basePath: url }));
  await anonymous.registerUser({ registration: credentials });
  const token = (await anonymous.signIn({ credentials })).data.token;
  const configuration = new Configuration({ basePath: url, accessToken: token });
  const items = new ItemsApi(configuration);

  const start = new Date();
  const made: number[] = [];
  for (let n = 0; n < 5; n += 1) {
    made.push((await items.createItem({ itemDraft: { data: `item ${n}` } })).data.id);
  }
  const found: number[] = [];
  let after: string | undefined;
  do {
    const page = await items.listItems({ limit: 2, owner: "og-ts", after });
    found.push(...page.data.map((item) => item.id));
    after = cursor(page.next);
  } while (after);
  check(found.join() === made.join(), "pages");

  const ifMatch = (await items.getItemRaw({ itemId: made[0]! })).raw.headers.get("ETag")!;
  const changed = { itemId: made[0]!, itemReplacement: { data: "changed" }, ifMatch };
  check((await items.replaceItem(changed)).data.version === 2, "update");
  const late = await items.replaceItem(changed).catch((error: ResponseError) => error.response);
  check(late instanceof Response && late.status === 412, "a stale ETag");
  const recent = await items.listItems({ createdFrom: start, owner: "og-ts" });
  check(recent.data.length === 5 && recent.data[0]!.dateCreated instanceof Date, "times");
  check((await items.listItems({ createdFrom: tomorrow() })).data.length === 0, "tomorrow");
  check((await new UsersApi(configuration).revokeCurrentToken()).success, "revoke");
}

void main();
