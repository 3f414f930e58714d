// The list of exchanges: what was sent and what came back, as it was, and what can be done with it.
import { byId, el } from "./dom.js";
import { fillEditor } from "./editor.js";
import { fault, header, json, send } from "./http.js";
import { drawInside } from "./inside.js";
import { snippets } from "./snippets.js";

const MAX_LISTED = 40;
// Of a token only the beginning is shown: a screen may be seen by others.
const TOKEN = /^(Bearer datas_.{4}).*$/;
// The headers of answers that say something about this answer; what is on all is folded away.
const TELLING = [
  "allow",
  "content-length",
  "content-type",
  "etag",
  "idempotency-replayed",
  "link",
  "location",
  "retry-after",
  "www-authenticate",
];

/** Here an event "visit" happens when a problem's page is opened; its `detail` is the path. */
export const visits = new EventTarget();

const list = byId("exchange-list");

export function startExchanges() {
  byId("exchanges-clear").addEventListener("click", () => {
    list.replaceChildren();
    byId("exchanges-title").focus();
  });
}

/** Lists an exchange, and opens it unless the page made it by itself. */
export function listExchange(exchange) {
  const entry = draw(exchange);
  list.prepend(entry);
  while (list.children.length > MAX_LISTED) list.lastChild.remove();
  if (!exchange.quiet || list.children.length === 1) {
    for (const other of list.children) other.open = other === entry;
  }
  if (exchange.quiet) return;
  // It may be scrolled down to an older one.
  byId("exchanges").scrollTop = 0;
  byId("status").firstElementChild.textContent = inOneLine(exchange);
}

function inOneLine({ method, path, status, reason, ms, error }) {
  const answer = error ? "no answer" : `${status} ${reason}`;
  return `${method} ${path} → ${answer}, ${ms.toFixed(0)} ms`;
}

function draw(exchange) {
  const { method, path, status, quiet, error } = exchange;
  const kind = error ? "none" : `${status}`[0];
  const entry = el(
    "details",
    { class: `card exchange status-${kind}` },
    el(
      "summary",
      {},
      el("span", { class: "pill" }, error ? "–" : `${status}`),
      el("code", {}, `${method} ${path}`),
      el("span", { class: "soft" }, quiet ? "by the table · " : "", `${exchange.ms.toFixed(0)} ms`),
    ),
  );
  // Drawn when it is first looked at.
  entry.addEventListener("toggle", () => entry.append(drawBody(exchange)), { once: true });
  return entry;
}

function drawBody(exchange) {
  return el(
    "div",
    {},
    el("h3", {}, "Request"),
    ...drawRequest(exchange),
    el("h3", {}, "Response"),
    ...(exchange.error ? [el("p", { class: "fault" }, fault(exchange))] : drawResponse(exchange)),
    ...drawActions(exchange),
    ...drawInside(exchange),
  );
}

function drawRequest({ method, path, sent, arrived, error }) {
  const added = arrived?.headers.filter(([name]) => !header(sent.headers, name)) ?? [];
  return [
    el(
      "div",
      { class: "wire", tabindex: 0, role: "group", "aria-label": "The request as it was sent" },
      el("b", {}, arrived?.line ?? `${method} ${path}`),
      ...sent.headers.map(drawHeader),
      fold(added, "added by your browser"),
      sent.body && el("div", { class: "body" }, sent.body),
    ),
    !arrived &&
      !error &&
      el(
        "p",
        { class: "soft" },
        "Your browser adds headers that no page can see, such as Host and User-Agent. In explain " +
          "mode the server tells which arrived.",
      ),
  ].filter(Boolean);
}

function drawResponse(exchange) {
  const { status, reason, headers, body, size, cut } = exchange;
  const asIs = cut ? `${body}\n… (the first 65,536 of ${size.toLocaleString("en")} bytes)` : body;
  const value = json(exchange);
  const text = el("div", { class: "body" }, value === undefined ? asIs : indented(value));
  const shown = el(
    "div",
    { class: "wire", tabindex: 0, role: "group", "aria-label": "The response as it came" },
    el("b", { class: "kind" }, `${status} ${reason}`),
    ...headers.filter(isTelling).map(drawHeader),
    fold(headers.filter((pair) => !isTelling(pair)), "more headers"),
    body && text,
  );
  const told = "Headers are sorted and in small letters, as browsers tell them. ";
  if (value === undefined) return [shown, el("p", { class: "soft" }, told)];
  const toggle = el(
    "button",
    {
      type: "button",
      class: "plain",
      "aria-pressed": "false",
      onclick: () => {
        const raw = text.textContent !== asIs;
        text.textContent = raw ? asIs : indented(value);
        toggle.setAttribute("aria-pressed", `${raw}`);
      },
    },
    "Show it as it came",
  );
  return [shown, el("p", { class: "soft" }, told, "The body is indented for reading. ", toggle)];
}

function drawHeader([name, value]) {
  return el("div", {}, el("span", { class: "name" }, `${name}:`), ` ${value.replace(TOKEN, "$1…")}`);
}

function isTelling([name]) {
  return TELLING.includes(name.toLowerCase());
}

/** Headers that are one click away. */
function fold(headers, what) {
  if (!headers.length) return null;
  return el("details", {}, el("summary", {}, `${headers.length} ${what}`), ...headers.map(drawHeader));
}

function indented(value) {
  return JSON.stringify(value, null, 2);
}

/** What one can do next: follow what the answer offers, send it again, take it elsewhere. */
function drawActions(exchange) {
  const { method, path, sent } = exchange;
  const again = () => send({ method, path, ...sent });
  const edit = () => fillEditor({ method, path, ...sent });
  const row = el("div", { class: "row" }, ...offers(exchange), action("Send again", again), action("Edit", edit));
  if (!exchange.url) return [row];
  const code = el("pre", { class: "wire", tabindex: 0, hidden: true });
  const said = el("p", { class: "soft", role: "status" });
  const copies = Object.entries(snippets).map(([name, write]) =>
    action(name, async () => {
      code.textContent = write(exchange);
      code.hidden = false;
      said.textContent = (await copy(code)) ? "Copied." : "Selected: copy it with Ctrl+C.";
    }),
  );
  return [row, el("div", { class: "row" }, el("span", { class: "soft" }, "Copy as"), ...copies), code, said];
}

/** The addresses that a response names. */
function offers(exchange) {
  const get = (to) => () => send({ path: to, headers: authorization(exchange) });
  const found = [];
  const location = header(exchange.headers, "Location");
  if (location) found.push(action(`Read ${location}`, get(location), "offer"));
  const value = json(exchange);
  if (value?.next) found.push(action("Read the next page", get(value.next), "offer"));
  if (value?.type?.includes("/problems/")) {
    const open = () => visits.dispatchEvent(new CustomEvent("visit", { detail: value.type }));
    const link = { class: "button offer", href: value.type, target: "_blank", onclick: open };
    found.push(el("a", link, "Read about this problem ", el("span", { class: "soft" }, "(new tab)")));
  }
  return found;
}

function authorization({ sent }) {
  return sent.headers.filter(([name]) => name.toLowerCase() === "authorization");
}

function action(label, onclick, kind = "") {
  return el("button", { type: "button", class: kind, onclick }, label);
}

async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    // Without TLS a page may write to the clipboard on localhost alone.
    getSelection().selectAllChildren(element);
    return false;
  }
}
