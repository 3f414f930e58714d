// "Other clients": what every client sends to this server, as the server tells it in explain mode.
import { showExchange } from "./answer.js";
import { api } from "./api.js";
import { copy } from "./clipboard.js";
import { byId, el, page, tell } from "./dom.js";
import { answered, at, header, json } from "./http.js";
import { nextRequest } from "./lessons.js";
import { terminal } from "./snippets.js";
import { t } from "./texts.js";

const EVERY = 1000; // milliseconds
const MAX_LISTED = 12;

const list = byId("client-list");

// The number of the newest entry, by ring: processes without shared memory count for themselves.
const newest = new Map();
// When the server was asked first, by its clock: what came before is listed, and no more.
let since = 0;
let timer = 0;

page.addEventListener("command", showCommand);
page.addEventListener("tab", watch);
document.addEventListener("visibilitychange", watch);
byId("client-copy").addEventListener("click", async () => {
  say(t((await copy(byId("client-command"))) ? "copied" : "selected"));
});
showCommand();

/** The command that one may try in a terminal: that of the lesson, if it has one. */
function showCommand() {
  const list = { method: "GET", path: api.first.path, headers: [], body: "" };
  byId("client-command").textContent = terminal(nextRequest() ?? list);
}

/** Asks every second while the panel is seen, and not otherwise. */
function watch() {
  clearTimeout(timer);
  if (!byId("clients").hidden && !document.hidden) poll();
}

async function poll() {
  const more = await ask();
  clearTimeout(timer);
  if (more && !byId("clients").hidden && !document.hidden) timer = setTimeout(poll, EVERY);
}

/** Asks once; whether asking again makes sense. */
async function ask() {
  try {
    // Any of the processes may answer.
    const after = newest.size ? Math.min(...newest.values()) : 0;
    const answer = await fetch(at(`/explain/requests?after=${after}`), { cache: "no-store", credentials: "omit" });
    if (answer.status === 404 || answer.status === 403) {
      say(t(answer.status === 404 ? "clients.off" : "clients.forbidden"));
      return false;
    }
    since ||= Date.parse(answer.headers.get("Date")) || Date.now();
    if (answer.ok) add(await answer.json());
  } catch {
    // The server may be restarting: it is asked again.
  }
  return true;
}

function add({ requests, last, scope, ring }) {
  const known = newest.get(ring) ?? 0;
  if (scope === "worker") say(t("clients.worker"));
  else newest.clear();
  newest.set(ring, last);
  // A ring that was made anew counts anew.
  const told = requests.filter(({ id }) => id > known || last < known).map(exchangeOf).filter(isTold);
  for (const exchange of told) list.prepend(draw(exchange));
  while (list.children.length > MAX_LISTED) list.lastChild.remove();
  const others = told.filter(({ own, begun }) => !own && begun >= since);
  for (const exchange of others) tell("client", exchange);
  const foreign = others.findLast(({ browser, path }) => !browser && isApi(path));
  if (foreign) {
    showExchange(foreign);
    byId("status").textContent = t("client.came", { client: foreign.client, method: foreign.method, path: foreign.path, status: foreign.status });
  }
}

/** What a browser loads to show a page says nothing about the API. */
function isTold({ own, browser, path }) {
  return own || !browser || isApi(path);
}

function isApi(path) {
  return path.startsWith(at("/api/"));
}

/** An entry in the form that an exchange of this page has. */
function exchangeOf(entry) {
  const { method, target, status } = entry;
  const isOwn = answered.has(header(entry.response_headers, "X-Request-Id"));
  return {
    method,
    path: target,
    // Without it there is no copy.
    // A target can name another host, in whole or as `//host`, and a copy would send the token there.
    url: isWhole(entry) && /^\/(?![/\\])/.test(target) && location.origin + target,
    status,
    reason: "",
    ms: entry.duration_ms,
    sent: { headers: entry.request_headers, body: entry.request_body ?? "" },
    headers: entry.response_headers,
    body: entry.response_body ?? "",
    arrived: { line: `${method} ${target} HTTP/1.1`, headers: [] },
    begun: new Date(entry.time),
    own: isOwn,
    client: isOwn ? t("client.page") : program(entry),
    // Another page in a browser is no client of one's own.
    browser: isBrowser(entry),
    foreign: true,
  };
}

/** Whether all that was sent is known: of a long body the server keeps the beginning, of some none. */
function isWhole({ request_headers: headers, request_body: body }) {
  if (json({ body: body ?? "" }) !== undefined) return true;
  const length = header(headers, "Transfer-Encoding") ? NaN : Number(header(headers, "Content-Length") ?? 0);
  return headers.length > 0 && new TextEncoder().encode(body ?? "").length === length;
}

/** Without TLS a browser sends Sec-Fetch-Mode to localhost alone. */
function isBrowser({ request_headers: headers }) {
  return Boolean(header(headers, "Sec-Fetch-Mode") ?? header(headers, "User-Agent")?.startsWith("Mozilla/"));
}

/** A client's name, such as curl, as it says itself. */
function program(entry) {
  if (isBrowser(entry)) return t("client.browser");
  return header(entry.request_headers, "User-Agent")?.match(/^[\w.-]+/)?.[0] ?? t("client.unknown");
}

function draw(exchange) {
  const { method, path, status, client, ms, begun } = exchange;
  const button = el(
    "button",
    { type: "button", class: `plain status-${`${status}`[0]}`, onclick: () => showExchange(exchange) },
    el("span", { class: "soft" }, begun.toLocaleTimeString([], { hourCycle: "h23" })),
    el("b", {}, client),
    el("code", {}, `${method} ${path}`),
    el("b", { class: "kind" }, `${status || "–"}`),
    el("span", { class: "soft" }, `${ms.toFixed(0)} ms`),
  );
  return el("li", {}, button);
}

function say(text) {
  byId("clients-said").textContent = text;
}
