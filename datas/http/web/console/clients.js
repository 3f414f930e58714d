// "Other clients": what every client sends to this server, as the server tells it in explain mode.
import { showExchange } from "./answer.js";
import { api } from "./api.js";
import { copy } from "./clipboard.js";
import { byId, el, page, tell } from "./dom.js";
import { answered, at, header } from "./http.js";
import { nextRequest } from "./lessons.js";
import { terminal } from "./snippets.js";
import { t } from "./texts.js";

const EVERY = 1000; // milliseconds
const MAX_LISTED = 12;
// What a browser loads to show a page says nothing about the API.
const LOADED = ["script", "style", "image", "font", "manifest"];

const list = byId("client-list");

let last = 0;
let started = false;
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
    const answer = await fetch(at(`/explain/requests?after=${last}`), { cache: "no-store", credentials: "omit" });
    if (answer.status === 404 || answer.status === 403) {
      say(t(answer.status === 404 ? "clients.off" : "clients.forbidden"));
      return false;
    }
    const { requests, last: newest, scope } = await answer.json();
    if (answer.ok) add(requests, newest, scope);
  } catch {
    // The server may be restarting: it is asked again.
  }
  return true;
}

function add(requests, newest, scope) {
  const first = !started;
  started = true;
  // A server that was started anew counts anew.
  last = newest;
  if (scope === "worker") say(t("clients.worker"));
  const told = requests.filter((entry) => !LOADED.includes(header(entry.request_headers, "Sec-Fetch-Dest"))).map(exchangeOf);
  for (const exchange of told) {
    list.prepend(draw(exchange));
    if (!first && !exchange.own) tell("client", exchange);
  }
  while (list.children.length > MAX_LISTED) list.lastChild.remove();
  const foreign = told.findLast(({ own }) => !own);
  if (foreign && !first) {
    showExchange(foreign);
    byId("status").textContent = t("client.came", { client: foreign.client, method: foreign.method, path: foreign.path, status: foreign.status });
  }
}

/** An entry in the form that an exchange of this page has. */
function exchangeOf(entry) {
  const { method, target, status } = entry;
  const isOwn = answered.has(header(entry.response_headers, "X-Request-Id"));
  return {
    method,
    path: target,
    url: new URL(target, location.origin).href,
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
    browser: Boolean(header(entry.request_headers, "Sec-Fetch-Mode")),
    foreign: true,
  };
}

/** A client's name, such as curl, as it says itself. */
function program({ request_headers: headers }) {
  if (header(headers, "Sec-Fetch-Mode")) return t("client.browser");
  return header(headers, "User-Agent")?.match(/^[\w.-]+/)?.[0] ?? t("client.unknown");
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
