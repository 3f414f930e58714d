// The table of a collection's records, a page at a time.
import { api } from "./api.js";
import { action, byId, el, page } from "./dom.js";
import { drawField, shown } from "./fields.js";
import { editRecord, editedRecord, newRecord, startForm } from "./form.js";
import { fault, json, send } from "./http.js";
import { tokenHeader } from "./session.js";
import { t } from "./texts.js";

// More columns would not fit beside the answer; further fields stand below the first.
const MAX_COLUMNS = 3;
// Pixels, as style.css makes them.
const ROW = 41;
const DETAILED_ROW = 56;

const view = byId("view");
const head = document.querySelector("#list thead tr");
const rows = document.querySelector("#list tbody");

// Where the page that is shown is, and where the next one is, as the server says.
let here = "";
let next = null;
// How many pages were asked for: only the newest answer counts.
let asked = 0;
// Records that this page created, which the order of the list may hide.
let created = null;

export function startRecords() {
  view.addEventListener("submit", (event) => {
    event.preventDefault();
    show(firstPage());
  });
  view.addEventListener("change", ({ target }) => target.matches("select") && show(firstPage()));
  byId("page-first").addEventListener("click", () => show(firstPage()));
  byId("page-next").addEventListener("click", () => show(next));
  page.addEventListener("collection", open);
  page.addEventListener("session", refresh);
  page.addEventListener("closed", ({ detail }) => focusRow(detail));
  startForm();
  return open();
}

/** After an exchange that changed records of this collection: shows the page anew. */
export function refreshAfter(exchange) {
  const { method, status, path } = exchange;
  const changes = ["POST", "PUT", "PATCH", "DELETE"].includes(method) && status < 300;
  if (!changes || !`${path}/`.startsWith(`${api.current.path}/`)) return;
  // Of another client's answer only the beginning may be known.
  if (status === 201 && json(exchange)?.data?.version) created = json(exchange).data;
  refresh();
}

/** The path of a record that the lessons may speak of. */
export function anyRecord() {
  return `${api.first.path}/${(api.current === api.first && rows.firstElementChild?.dataset.id) || 1}`;
}

function open() {
  created = null;
  here = "";
  // What is in the table belongs to the collection that is shown.
  rows.replaceChildren();
  const { sorts, searches, filters } = api.current;
  newRecord();
  view.reset();
  byId("search").hidden = !searches;
  view.sort.replaceChildren(...sorts.map((sort) => el("option", { value: sort }, sortName(sort))));
  // Newest first: a record that was just created is the first that one sees.
  view.sort.value = sorts.includes("-id") ? "-id" : sorts[0];
  byId("filters").hidden = !filters.length;
  byId("filters").lastElementChild.replaceChildren(...filters.map(drawFilter));
  const own = columns().map(({ name }, index) => column(name, index ? "data wide" : "data"));
  head.replaceChildren(column("id"), ...own, column("version"), column("date_updated", "wide"), el("th", {}, el("span", { class: "unseen" }, t("actions"))));
  return show(firstPage(), { quiet: true });
}

function refresh() {
  return show(here || firstPage(), { quiet: true });
}

function sortName(sort) {
  const named = { id: "sort.oldest", "-id": "sort.newest" }[sort];
  if (named) return t(named);
  return sort.startsWith("-") ? `${sort.slice(1)} ↓` : `${sort} ↑`;
}

/** A filter has no value at first, and then isn't sent. */
function drawFilter(field) {
  if (!["choice", "switch"].includes(field.kind)) return drawField(field, "");
  const choices = field.kind === "switch" ? ["true", "false"] : field.choices;
  const options = ["", ...choices].map((each) => el("option", {}, each));
  return el("label", { class: "field" }, el("b", {}, field.name), el("select", { name: field.name }, ...options));
}

function columns() {
  const { fields } = api.current;
  return fields.length <= MAX_COLUMNS ? fields : fields.slice(0, 1);
}

function column(name, kind = "") {
  return el("th", { scope: "col", class: kind }, name.replaceAll("_", " "));
}

function firstPage() {
  const given = [...new FormData(view)].filter(([, value]) => value !== "");
  return `${api.current.path}?${new URLSearchParams([...given, ["limit", fitting()]])}`;
}

/** How many rows there is room for: the page doesn't scroll, nor does the table. */
function fitting() {
  const top = rows.getBoundingClientRect().top;
  const below = matchMedia("(min-width: 60rem)").matches ? 80 : 300;
  const height = columns().length < api.current.fields.length ? DETAILED_ROW : ROW;
  return Math.min(Math.max(Math.floor((innerHeight - top - below) / height), 2), 20);
}

async function show(path, { quiet = false } = {}) {
  const ask = ++asked;
  const exchange = await send({ path, headers: tokenHeader(), quiet });
  if (ask !== asked) return;
  byId("list-fault").textContent = fault(exchange);
  const { data, next: after } = json(exchange) ?? {};
  if (exchange.status !== 200 || !data) return;
  here = path;
  next = after;
  const focused = document.activeElement.closest("#list tr")?.dataset.id;
  rows.replaceChildren(...data.map(row));
  pin(data);
  if (focused) focusRow(focused);
  byId("page-next").disabled = !next;
  byId("page-first").disabled = here === firstPage();
  byId("list-empty").hidden = data.length > 0;
  byId("list-empty").textContent = t(here === firstPage() && isUnfiltered() ? "list.empty" : "list.nothing", { noun: api.current.noun });
}

function isUnfiltered() {
  return [...new FormData(view)].every(([name, value]) => name === "sort" || value === "");
}

/** A new record is always seen, if need be above the page where it isn't. */
function pin(data) {
  byId("list-said").textContent = "";
  if (!created || data.some(({ id }) => id === created.id)) return;
  rows.prepend(row(created));
  byId("list-said").textContent = t("list.pinned", { noun: api.current.noun, id: created.id });
}

function row(record) {
  const name = `${api.current.noun} ${record.id}`;
  const button = (label, onclick) => {
    const made = action(label, onclick, "plain");
    made.ariaLabel = `${label} ${name}`;
    return made;
  };
  const [first, ...others] = columns();
  const hidden = api.current.fields.filter((field) => !columns().includes(field));
  return el(
    "tr",
    { "data-id": record.id, class: [record.id === created?.id && "new", record.id === editedRecord()?.id && "chosen"].filter(Boolean).join(" ") },
    el("td", {}, shown(record.id)),
    el("td", { class: "data" }, el("div", {}, shown(record[first.name])), details(hidden, record), details(others, record, "narrow")),
    ...others.map(({ name }) => el("td", { class: "data wide" }, shown(record[name]))),
    el("td", {}, shown(record.version)),
    el("td", { class: "wide" }, changed(record.date_updated)),
    el("td", { class: "actions" }, button(t("read"), () => read(record)), button(t("edit"), () => editRecord(record)), button(t("delete"), () => remove(record))),
  );
}

/** Further fields in one line. */
function details(fields, record, kind = "") {
  const parts = fields.filter(({ name }) => record[name] != null && shown(record[name]) !== "");
  if (!parts.length) return "";
  const text = parts.map(({ name }) => `${name} ${shown(record[name])}`).join(" · ");
  return el("div", { class: `soft ${kind}`, title: text }, text);
}

/** The time of day, or the day if that was another one; both if one points at it. */
function changed(moment) {
  const then = new Date(moment);
  const time = then.toLocaleTimeString([], { hourCycle: "h23" });
  const day = then.toLocaleDateString();
  const today = then.toDateString() === new Date().toDateString();
  return el("time", { datetime: moment, title: `${day}, ${time}` }, today ? time : day);
}

async function read({ id }) {
  const exchange = await send({ path: `${api.current.path}/${id}`, headers: tokenHeader() });
  byId("list-fault").textContent = fault(exchange);
}

async function remove({ id, version }) {
  const headers = [["If-Match", `"${version}"`], ...tokenHeader()];
  const exchange = await send({ method: "DELETE", path: `${api.current.path}/${id}`, headers });
  if (id === created?.id) created = null;
  // Somebody else changed it: show what there is now.
  if ([404, 412].includes(exchange.status)) await refresh();
  byId("list-fault").textContent = fault(exchange);
}

/** Puts the focus back to where it was before the rows were made anew. */
function focusRow(id) {
  const button = rows.querySelector(`tr[data-id="${id}"] .actions button:nth-child(2)`);
  (button ?? byId("record").elements.namedItem(api.current.fields[0].name)).focus({ preventScroll: true });
}
