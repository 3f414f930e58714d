// The table of items, a page at a time, and the forms that create, change and delete them.
import { byId, el } from "./dom.js";
import { at, fault, json, send } from "./http.js";
import { tokenHeader } from "./session.js";

const JSON_BODY = ["Content-Type", "application/json"];

const view = byId("view");
const rows = document.querySelector("#items tbody");

// Where the page that is shown is, and where the next one is, as the server says.
let here = "";
let next = null;

export function startItems() {
  view.addEventListener("submit", (event) => {
    event.preventDefault();
    show(firstPage());
  });
  view.sort.addEventListener("change", () => show(firstPage()));
  view.limit.addEventListener("change", () => show(firstPage()));
  byId("create").addEventListener("submit", (event) => {
    event.preventDefault();
    create(event.target);
  });
  byId("page-first").addEventListener("click", () => show(firstPage()));
  byId("page-next").addEventListener("click", () => show(next));
  return show(firstPage(), { quiet: true });
}

/** Shows the page anew, which nobody asked for. */
export function refreshItems() {
  byId("create-fault").textContent = "";
  return show(here || firstPage(), { quiet: true });
}

/** Shows the page after a change; who created an item and can't see it there is told. */
export async function refreshAfter(exchange) {
  await refreshItems();
  const id = exchange.status === 201 && json(exchange)?.data?.id;
  if (!id || rows.querySelector(`[data-id="${id}"]`)) return;
  byId("create-said").textContent = `Item ${id} created; it is not on this page.`;
}

/** Whether an exchange changed items, so that the page is to be shown anew. */
export function changedItems({ method, status, path }) {
  const changes = ["POST", "PUT", "PATCH", "DELETE"].includes(method);
  return changes && status < 300 && path.startsWith(at("/api/datas"));
}

function firstPage() {
  const given = [...new FormData(view)].filter(([, value]) => value !== "");
  return `${at("/api/datas")}?${new URLSearchParams(given)}`;
}

async function show(path, { quiet = false } = {}) {
  byId("create-said").textContent = "";
  const exchange = await send({ path, headers: tokenHeader(), quiet });
  byId("items-fault").textContent = fault(exchange);
  const page = json(exchange);
  if (exchange.status !== 200) return;
  here = path;
  next = page.next;
  const focused = document.activeElement.closest("#items tr")?.dataset.id;
  rows.replaceChildren(...page.data.map(row));
  if (focused) focusRow(focused);
  byId("page-next").disabled = !next;
  byId("page-first").disabled = here === firstPage();
  byId("items-empty").hidden = page.data.length > 0;
  byId("items-empty").textContent = view.q.value ? "No item contains this text." : "No items yet: create the first.";
}

async function create(form) {
  const data = form.data.value;
  byId("create-fault").textContent = "";
  const exchange = await send({
    method: "POST",
    path: at("/api/datas"),
    headers: [JSON_BODY, ...tokenHeader()],
    body: JSON.stringify({ data }),
  });
  byId("create-fault").textContent = fault(exchange);
  // Somebody quick may be typing the next one already.
  if (exchange.status === 201 && form.data.value === data) form.reset();
}

function row(item) {
  const button = (label, onclick) =>
    el("button", { type: "button", "aria-label": `${label} item ${item.id}`, onclick }, label);
  return el(
    "tr",
    { "data-id": item.id },
    el("td", {}, `${item.id}`),
    el("td", { class: "data" }, item.data),
    el("td", {}, `${item.version}`),
    el("td", { class: "wide" }, changed(item.date_updated)),
    el("td", { class: "wide" }, item.owner ?? "–"),
    el(
      "td",
      { class: "actions" },
      button("Read", () => read(item)),
      button("Edit", (event) => edit(item, event.target.closest("tr"))),
      button("Delete", () => remove(item)),
    ),
  );
}

/** The time of day, or the day if that was another one; both if one points at it. */
function changed(moment) {
  const then = new Date(moment);
  const time = then.toLocaleTimeString([], { hourCycle: "h23" });
  const day = then.toLocaleDateString();
  const today = then.toDateString() === new Date().toDateString();
  return el("time", { datetime: moment, title: `${day}, ${time}` }, today ? time : day);
}

async function read(item) {
  const exchange = await send({ path: path(item), headers: tokenHeader() });
  byId("items-fault").textContent = fault(exchange);
}

/** Puts a form into the item's row. */
function edit(item, shown) {
  const input = el("input", { value: item.data, "aria-label": `New data of item ${item.id}` });
  const close = () => {
    form.replaceWith(row(item));
    focusRow(item.id);
  };
  const save = (event) => {
    event.preventDefault();
    replace(item, input.value);
  };
  const form = el(
    "tr",
    { "data-id": item.id, onkeydown: (event) => event.key === "Escape" && close() },
    el("td", {}, `${item.id}`),
    el(
      "td",
      { colspan: 5 },
      el(
        "form",
        { class: "row", novalidate: true, onsubmit: save },
        input,
        el("button", { class: "main" }, "Save"),
        el("button", { type: "button", onclick: close }, "Cancel"),
      ),
    ),
  );
  shown.replaceWith(form);
  input.select();
}

/** Only if nobody else changed it since it was read: If-Match names the version that was shown. */
async function replace(item, data) {
  const exchange = await send({
    method: "PUT",
    path: path(item),
    headers: [JSON_BODY, ifMatch(item), ...tokenHeader()],
    body: JSON.stringify({ data }),
  });
  await afterChange(exchange);
}

async function remove(item) {
  const headers = [ifMatch(item), ...tokenHeader()];
  await afterChange(await send({ method: "DELETE", path: path(item), headers }));
}

async function afterChange(exchange) {
  // Somebody else changed it: show what there is now. A refused text stays in its form instead.
  if ([404, 412].includes(exchange.status)) await refreshItems();
  byId("items-fault").textContent = fault(exchange);
}

/** Puts the focus back to where it was before the rows were made anew. */
function focusRow(id) {
  const button = rows.querySelector(`tr[data-id="${id}"] button:nth-child(2)`);
  (button ?? byId("create").data).focus({ preventScroll: true });
}

function path(item) {
  return at(`/api/datas/${item.id}`);
}

function ifMatch(item) {
  return ["If-Match", `"${item.version}"`];
}
