// Types by openapi-typescript, requests by openapi-fetch.
import createClient from "openapi-fetch";
import type { paths } from "./openapi-typescript";
import { check, cursor, tomorrow, url } from "./common";

async function main(): Promise<void> {
  const client = createClient<paths>({ baseUrl: url });
  const credentials = { username: "ot", password: "correct horse" };
  await client.POST("/api/users", { body: credentials });
  const signedIn = await client.POST("/api/tokens", { body: credentials });
  const headers = { Authorization: `Bearer ${signedIn.data!.data.token}` };

  const start = new Date();
  const made: number[] = [];
  for (let n = 0; n < 5; n += 1) {
    const answer = await client.POST("/api/datas", { body: { data: `item ${n}` }, headers });
    made.push(answer.data!.data.id);
  }
  const found: number[] = [];
  let after: string | undefined;
  do {
    const page = await client.GET("/api/datas", {
      params: { query: { limit: 2, owner: "ot", after } },
    });
    found.push(...page.data!.data.map((item) => item.id));
    after = cursor(page.data!.next);
  } while (after);
  check(found.join() === made.join(), "pages");

  const path = { item_id: made[0]! };
  const read = await client.GET("/api/datas/{item_id}", { params: { path } });
  const change = {
    params: { path, header: { "If-Match": read.response.headers.get("ETag")! } },
    body: { data: "changed" },
    headers,
  };
  check((await client.PUT("/api/datas/{item_id}", change)).data!.data.version === 2, "update");
  const late = await client.PUT("/api/datas/{item_id}", change);
  check(late.error!.status === 412 && late.error!.success === false, "a stale ETag");
  const query = { created_from: start.toISOString(), owner: "ot" };
  const recent = await client.GET("/api/datas", { params: { query } });
  check(recent.data!.data.length === 5, "times");
  const none = { created_from: tomorrow().toISOString() };
  const later = await client.GET("/api/datas", { params: { query: none } });
  check(later.data!.data.length === 0, "tomorrow");
  check((await client.DELETE("/api/tokens/current", { headers })).data!.success, "revoke");
}

void main();
