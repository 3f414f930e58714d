// Makes requests, and tells the page of each exchange as it was.
import { tell } from "./dom.js";
import { parse } from "./json.js";
import { t } from "./texts.js";

/** The address under which the API is mounted: http://localhost:8000/ */
export const root = new URL("..", import.meta.url);

// Of a longer body only the beginning is shown, and of one that isn't JSON no more is kept.
export const MAX_SHOWN = 64 * 1024;

/** The ids of the requests whose answers came to this page. */
export const answered = new Set();

let count = 0;

/** The full path of a route: at("/api/books") is /v1/api/books if the API is mounted at /v1. */
export function at(route) {
  return root.pathname.slice(0, -1) + route;
}

/**
 * Sends a request and returns the exchange. `headers` are pairs of name and value; `quiet` marks
 * what the page asks by itself; `ownKey` says that the page made up the Idempotency-Key.
 * Throws nothing: what went wrong is the exchange's `error`.
 */
export async function send({ method = "GET", path, headers = [], body = "", quiet = false, ownKey = false }) {
  const exchange = { id: ++count, method, path, sent: { headers, body }, quiet, ownKey, begun: new Date() };
  const begin = performance.now();
  tell("begin", exchange);
  try {
    const url = address(path);
    exchange.path = url.pathname + url.search;
    exchange.url = url.href.replace(/#.*/s, "");
    const response = await fetch(url, {
      method,
      headers,
      // As bytes: to a text the browser would add a Content-Type that nobody wrote.
      body: body === "" ? undefined : new TextEncoder().encode(body),
      // Else the browser's cache would answer in the server's place, and hide every 304.
      cache: "no-store",
      credentials: "omit",
      redirect: "manual",
    });
    exchange.status = response.status;
    exchange.reason = response.statusText;
    exchange.headers = [...response.headers];
    answered.add(response.headers.get("X-Request-Id"));
    Object.assign(exchange, await readBody(response));
    exchange.arrived = readHead(response.headers.get("X-Request-Head"));
  } catch (error) {
    // What fetch throws; its own words say less.
    exchange.error = error instanceof TypeError ? whyNoAnswer(headers) : error.message;
  }
  exchange.ms = performance.now() - begin;
  tell("exchange", exchange);
  return exchange;
}

/** A header of the response, or of the request, whatever the case of its name. */
export function header(headers, name) {
  const found = headers?.find(([key]) => key.toLowerCase() === name.toLowerCase());
  return found?.[1];
}

/** The path without the place where the API is mounted, and without the query. */
export function route(exchange) {
  return exchange.path.slice(root.pathname.length - 1).split("?")[0].replace(/(.)\/$/, "$1");
}

/** The response's body as a value, or undefined if it isn't JSON. */
export function json(exchange) {
  try {
    return parse(exchange.body);
  } catch {
    return undefined;
  }
}

/** What the server says went wrong, in words for people; empty if nothing did. */
export function fault(exchange) {
  if (exchange.error) return exchange.error;
  return exchange.status >= 400 ? (json(exchange)?.detail ?? exchange.reason) : "";
}

/** A key that no other request has. randomUUID is missing where there is no TLS. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function whyNoAnswer(headers) {
  return t(header(headers, "Fault") === "lose-response" ? "answer.lost" : "answer.silent");
}

function address(path) {
  const url = URL.canParse(path, root) ? new URL(path, root) : null;
  if (!url) throw new Error(t("mistake.path"));
  if (url.origin !== root.origin) throw new Error(t("mistake.server"));
  if (url.username || url.password) throw new Error(t("mistake.password"));
  return url;
}

async function readBody(response) {
  const bytes = new Uint8Array(await response.arrayBuffer());
  const kept = /[/+]json/.test(response.headers.get("Content-Type")) ? bytes : bytes.subarray(0, MAX_SHOWN);
  return { body: new TextDecoder().decode(kept), size: bytes.length, cut: bytes.length > MAX_SHOWN };
}

/** In explain mode the server tells how the request's head arrived. */
function readHead(text) {
  try {
    const { line, headers } = JSON.parse(text);
    return line && { line, headers: Object.entries(headers) };
  } catch {
    return null;
  }
}
