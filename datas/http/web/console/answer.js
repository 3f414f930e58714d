// The answer: the inside first, then what came back, and what can be done with it.
import { copy } from "./clipboard.js";
import { action, byId, el, tell } from "./dom.js";
import { header, json, MAX_SHOWN, send } from "./http.js";
import { drawInside } from "./inside.js";
import { drawJson } from "./json.js";
import { shownValue, withoutSecrets } from "./secrets.js";
import { t } from "./texts.js";

const MAX_KEPT = 40;
// The headers of answers that say something about this answer; what is on all is folded away.
const TELLING = [
  "allow",
  "content-length",
  "content-type",
  "etag",
  "fault",
  "idempotency-replayed",
  "link",
  "location",
  "retry-after",
  "www-authenticate",
];

const history = [];
let place = 0;

byId("older").addEventListener("click", () => open(place - 1));
byId("newer").addEventListener("click", () => open(place + 1));

/** Says that an answer is waited for. */
export function expectAnswer({ method, path }) {
  byId("answer").ariaBusy = "true";
  byId("answer-title").replaceChildren(method, " ", el("code", {}, path), ` ${t("answer.waiting")}`);
}

/** Shows an exchange and adds it to the history. */
export function addAnswer(exchange) {
  history.push(exchange);
  if (history.length > MAX_KEPT) history.shift();
  open(history.length - 1);
  byId("status").textContent = `${exchange.method} ${exchange.path}: ${result(exchange)}`;
}

/** Shows an exchange, such as another client's, which is not in the history. */
export function showExchange(exchange) {
  const { method, path, status, error, ms } = exchange;
  const kind = error || !status ? "none" : `${status}`[0];
  byId("answer").ariaBusy = "false";
  byId("answer").className = `status-${kind}`;
  byId("answer-title").replaceChildren(el("span", { class: `verb-${method}` }, method), " ", el("code", {}, path), el("span", { class: "soft" }, ` ${ms.toFixed(0)} ms`));
  byId("answer-body").replaceChildren(...(error ? [el("p", { class: "fault" }, error)] : [...drawInside(exchange), ...drawResponse(exchange)]), ...drawActions(exchange), ...drawRequest(exchange));
  // It may be scrolled down.
  byId("answer").scrollTop = 0;
}

function open(index) {
  place = index;
  byId("older").disabled = place <= 0;
  byId("newer").disabled = place >= history.length - 1;
  showExchange(history[place]);
}

function result({ status, reason, error, ms }) {
  return error ?? `${status} ${reason}, ${ms.toFixed(0)} ms`;
}

function drawRequest({ method, path, sent, arrived, error, foreign }) {
  const added = foreign ? [] : (arrived?.headers.filter(([name]) => !header(sent.headers, name)) ?? []);
  return [
    el(
      "details",
      { class: "sent" },
      el("summary", {}, t("request.sent")),
      el(
        "div",
        { class: "wire" },
        el("b", {}, arrived?.line ?? `${method} ${path}`),
        ...sent.headers.map(drawHeader),
        ...fold(added, t("headers.added", { count: added.length })),
        sent.body && el("div", { class: "body" }, withoutSecrets(sent.body)),
      ),
      !arrived && !error && el("p", { class: "soft" }, t("headers.unseen")),
    ),
  ];
}

function drawResponse({ status, reason, headers, body, size, cut }) {
  const text = withoutSecrets(body.slice(0, MAX_SHOWN));
  const asIs = cut ? `${text}\n${t("body.cut", { size: size.toLocaleString("en") })}` : text;
  const isJson = /^application\/([\w.-]+\+)?json/.test(header(headers, "Content-Type") ?? "");
  const more = headers.filter((pair) => !isTelling(pair));
  return [
    el(
      "div",
      { class: "wire" },
      el("b", { class: "kind" }, status ? `${status} ${reason}`.trim() : t("no.answer")),
      ...headers.filter(isTelling).map(drawHeader),
      ...fold(more, t("headers.more", { count: more.length })),
      body && el("div", { class: "body" }, ...(isJson && !cut ? drawJson(text) : [asIs])),
    ),
  ];
}

function drawHeader([name, value]) {
  return el("div", {}, el("span", { class: "name" }, `${name}:`), ` ${shownValue(name, value)}`);
}

function isTelling([name]) {
  return TELLING.includes(name.toLowerCase());
}

/** Headers that are one click away. */
function fold(headers, what) {
  return headers.length ? [el("details", {}, el("summary", {}, what), ...headers.map(drawHeader))] : [];
}

/** What one can do next: follow what the answer offers, send it again, take it elsewhere. */
function drawActions(exchange) {
  const { method, path, sent, foreign } = exchange;
  const own = foreign
    ? []
    : [action(t("again"), () => send({ method, path, ...sent, ownKey: exchange.ownKey })), action(t("edit"), async () => (await import("./editor.js")).fillEditor({ method, path, ...sent }))];
  const row = el("div", { class: "row" }, ...(foreign ? [] : offers(exchange)), ...own);
  if (!exchange.url) return [row];
  const code = el("pre", { class: "wire", tabindex: 0, hidden: true });
  const said = el("span", { class: "soft", role: "status" });
  const copies = ["curl", "HTTPie", "Python"].map((name) =>
    action(name, async () => {
      const { snippets } = await import("./snippets.js");
      code.textContent = snippets[name](exchange);
      code.hidden = false;
      said.textContent = t((await copy(code)) ? "copied" : "selected");
    }),
  );
  return [row, el("div", { class: "row" }, el("span", { class: "soft" }, t("copy.as")), ...copies, said), code];
}

/** The addresses that a response names. */
function offers(exchange) {
  const get = (to) => () => send({ path: to, headers: authorization(exchange) });
  const found = [];
  const location = header(exchange.headers, "Location");
  if (location) found.push(action(t("offer.read", { path: location }), get(location), "offer"));
  const value = json(exchange);
  if (value?.next) found.push(action(t("offer.next"), get(value.next), "offer"));
  if (value?.type?.includes("/problems/")) {
    const link = { class: "button offer", href: value.type, target: "_blank", onclick: () => tell("visit", { visited: value.type }) };
    found.push(el("a", link, t("offer.problem")));
  }
  return found;
}

function authorization({ sent }) {
  return sent.headers.filter(([name]) => name.toLowerCase() === "authorization");
}
