// How the page sees that a lesson's step is done: one function for each step, in order. Each gets
// the exchange that has just happened, and those that were the steps before.
import { header, json, route } from "./http.js";

const ITEM = /^\/api\/datas\/\d+$/;

const is = (exchange, method, status, path) =>
  exchange.method === method && exchange.status === status && (!path || matches(route(exchange), path));
const matches = (text, path) => (path instanceof RegExp ? path.test(text) : text === path);
const sent = (exchange, name) => header(exchange.sent?.headers, name);

export const checks = {
  create: [(it) => is(it, "POST", 201, "/api/datas")],

  location: [
    (it) => is(it, "POST", 201, "/api/datas"),
    (it, created) => is(it, "GET", 200) && it.path === header(created.headers, "Location"),
  ],

  problem: [
    (it) => it.status === 400 && Boolean(json(it)?.type),
    (it, refused) => it.visited === json(refused).type,
  ],

  replace: [
    (it) => is(it, "PUT", 200, ITEM),
    (it, first) => is(it, "PUT", 200, route(first)) && json(it).data.version > json(first).data.version,
  ],

  verbs: [
    (it) => it.status === 405 && Boolean(header(it.headers, "Allow")),
    (it, refused) => is(it, "OPTIONS", 204, route(refused)),
  ],

  pages: [
    (it) => is(it, "GET", 200, "/api/datas") && Boolean(json(it).next),
    (it) => is(it, "GET", 200, "/api/datas") && it.path.includes("after=") && json(it).next === null,
  ],

  fresh: [
    (it) => is(it, "GET", 200, ITEM) && Boolean(header(it.headers, "ETag")),
    (it, first) => is(it, "GET", 304, route(first)) && Boolean(sent(it, "If-None-Match")),
  ],

  conflict: [
    (it) => is(it, "PUT", 200, ITEM) && Boolean(sent(it, "If-Match")),
    (it, first) => is(it, "PUT", 412, route(first)) && sent(it, "If-Match") === sent(first, "If-Match"),
  ],

  retry: [
    (it) => is(it, "POST", 201, "/api/datas") && Boolean(sent(it, "Idempotency-Key")),
    (it, first) =>
      is(it, "POST", 201, "/api/datas") &&
      header(it.headers, "Idempotency-Replayed") === "true" &&
      sent(it, "Idempotency-Key") === sent(first, "Idempotency-Key"),
  ],

  gone: [
    (it) => is(it, "DELETE", 200, ITEM),
    (it, deleted) => is(it, "GET", 404, route(deleted)),
  ],

  token: [
    (it) => is(it, "POST", 201, "/api/tokens"),
    (it) => is(it, "GET", 200, "/api/users/me") && Boolean(sent(it, "Authorization")),
  ],

  stream: [
    (it) =>
      is(it, "GET", 200, "/api/datas/bulk") &&
      header(it.headers, "Content-Type").startsWith("application/x-ndjson"),
    (it) =>
      is(it, "GET", 200, "/api/datas/bulk") && header(it.headers, "Content-Type").startsWith("text/csv"),
  ],
};
