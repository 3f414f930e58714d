// How the page sees that a lesson's step is done: one function for each step, in order. Each gets
// what has just happened (see `tell` in dom.js), and what happened at the steps before.
import { api } from "./api.js";
import { header, json } from "./http.js";

const is = (it, method, status, path) => it.method === method && it.status === status && (!path || pathOf(it) === path);
const pathOf = (it) => it.path?.split("?")[0];
const list = () => api.first.path;
const isRecord = (it) => pathOf(it)?.startsWith(`${list()}/`) && /^\/\d+$/.test(pathOf(it).slice(list().length));
const sent = (it, name) => header(it.sent?.headers, name);
const got = (it, name) => header(it.headers, name);
const media = (it, type) => is(it, "GET", 200, `${list()}/bulk`) && got(it, "Content-Type")?.startsWith(type);

export const checks = {
  create: [(it) => is(it, "POST", 201, list())],

  inside: [(it) => it.looked && it.looked === it.slowest, (it) => it.looked && it.looked === it.stopped],

  location: [
    (it) => is(it, "POST", 201, list()),
    (it, created) => is(it, "GET", 200) && it.path === got(created, "Location"),
  ],

  problem: [
    (it) => it.status === 400 && Boolean(json(it)?.type),
    (it, refused) => it.visited === json(refused).type,
  ],

  replace: [
    (it) => is(it, "PUT", 200) && isRecord(it),
    (it, first) => is(it, "PUT", 200, pathOf(first)) && json(it)?.data?.version > json(first)?.data?.version,
  ],

  verbs: [
    (it) => it.status === 405 && Boolean(got(it, "Allow")),
    (it, refused) => is(it, "OPTIONS", 204, pathOf(refused)),
  ],

  pages: [
    (it) => is(it, "GET", 200, list()) && Boolean(json(it)?.next),
    (it) => is(it, "GET", 200, list()) && it.path.includes("after=") && json(it)?.next === null,
  ],

  fresh: [
    (it) => is(it, "GET", 200) && isRecord(it) && Boolean(got(it, "ETag")),
    (it, first) => is(it, "GET", 304, pathOf(first)) && Boolean(sent(it, "If-None-Match")),
  ],

  conflict: [
    (it) => Boolean(it.edited?.startsWith(`${list()}/`)),
    (it, { edited }) => is(it, "PATCH", 200, edited),
    (it, { edited }) => is(it, "PUT", 412, edited),
    (it, { edited }) => is(it, "PUT", 200, edited) && Boolean(sent(it, "If-Match")),
  ],

  retry: [
    (it) => is(it, "POST", 201, list()) && Boolean(sent(it, "Idempotency-Key")),
    (it, first) => repeats(it, first),
  ],

  lost: [
    (it) => it.method === "POST" && Boolean(it.error) && Boolean(sent(it, "Idempotency-Key")) && sent(it, "Fault") === "lose-response",
    (it, first) => repeats(it, first),
  ],

  faults: [
    (it) => it.method === "GET" && it.status === 200 && /^delay=/.test(sent(it, "Fault")) && it.ms >= 1000,
    (it) => it.status === 503 && Boolean(got(it, "Retry-After")),
    (it) => it.method === "GET" && it.status === 200 && !sent(it, "Fault"),
  ],

  gone: [(it) => is(it, "DELETE", 200) && isRecord(it), (it, deleted) => is(it, "GET", 404, pathOf(deleted))],

  token: [
    (it) => it.method === "POST" && it.status === 201 && pathOf(it).endsWith("/api/tokens"),
    (it) => it.method === "GET" && it.status === 200 && pathOf(it).endsWith("/api/users/me") && Boolean(sent(it, "Authorization")),
  ],

  stream: [(it) => media(it, "application/x-ndjson"), (it) => media(it, "text/csv")],

  client: [(it) => it.foreign && !it.browser, (it) => it.foreign && !it.browser && is(it, "POST", 201, list())],
};

/** The work was done once: the answer to the same key is a repetition. */
function repeats(it, first) {
  return is(it, "POST", 201, list()) && got(it, "Idempotency-Replayed") === "true" && sent(it, "Idempotency-Key") === sent(first, "Idempotency-Key");
}
