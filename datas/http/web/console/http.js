// Makes requests, and tells everybody who listens of each exchange as it was.
import { asSent, mistake } from "./mistakes.js";

/** The address under which the API is mounted: http://localhost:8000/ */
export const root = new URL("..", import.meta.url);

/** Here an event "exchange" happens after each one; its `detail` is the exchange. */
export const exchanges = new EventTarget();

// Of a longer body only the beginning is kept.
const MAX_KEPT = 64 * 1024;

const NO_SERVER = "No answer came. Is the server running? If it was stopped, start it and send this again.";

let count = 0;

/** The full path of a route: at("/api/datas") is /v1/api/datas if the API is mounted at /v1. */
export function at(route) {
  return root.pathname.slice(0, -1) + route;
}

/**
 * Sends a request and returns the exchange. `headers` are pairs of name and value; `quiet` marks
 * what the page asks by itself. Throws nothing: what went wrong is the exchange's `error`.
 */
export async function send({ method: typed = "GET", path, headers = [], body = "", quiet = false }) {
  const method = asSent(typed);
  const exchange = { id: ++count, method, path, sent: { headers, body }, quiet, begun: new Date() };
  const begin = performance.now();
  try {
    const url = address(path);
    exchange.path = url.pathname + url.search;
    exchange.url = url.href.replace(/#.*/s, "");
    const refused = mistake(exchange);
    if (refused) throw new Error(refused);
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
    Object.assign(exchange, await readBody(response));
    exchange.arrived = readHead(response.headers.get("X-Request-Head"));
  } catch (error) {
    // What fetch throws; its own words say less.
    exchange.error = error instanceof TypeError ? NO_SERVER : error.message;
  }
  exchange.ms = performance.now() - begin;
  exchanges.dispatchEvent(new CustomEvent("exchange", { detail: exchange }));
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
    return JSON.parse(exchange.body);
  } catch {
    return undefined;
  }
}

/** What the server says went wrong, in words for people; empty if nothing did. */
export function fault(exchange) {
  if (exchange.error) return exchange.error;
  return exchange.status >= 400 ? (json(exchange)?.detail ?? exchange.reason) : "";
}

function address(path) {
  const url = URL.canParse(path, root) ? new URL(path, root) : null;
  if (!url) throw new Error("This is no path: write one such as /api/datas.");
  if (url.origin !== root.origin) throw new Error("This page may talk to its own server alone.");
  if (url.username || url.password) throw new Error("Browsers send no password in an address: leave it out.");
  return url;
}

async function readBody(response) {
  const bytes = new Uint8Array(await response.arrayBuffer());
  const body = new TextDecoder().decode(bytes.subarray(0, MAX_KEPT));
  return { body, size: bytes.length, cut: bytes.length > MAX_KEPT };
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
