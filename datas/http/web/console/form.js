// The form that creates a record or changes one, and what it says if somebody else was faster.
import { api } from "./api.js";
import { byId, el, tell } from "./dom.js";
import { drawField, isFallback, readField } from "./fields.js";
import { fault, header, json, newKey, send } from "./http.js";
import { parse } from "./json.js";
import { tokenHeader } from "./session.js";
import { t } from "./texts.js";

const JSON_BODY = ["Content-Type", "application/json"];

const form = byId("record");
const panel = byId("records");

// The record that is being changed, as it was read; null while a new one is written.
let read = null;
// The ETag that a change names: of the record as it was read, or as it is now if one decided to go on.
let tag = "";
// One key for one record: whatever is sent again, by hand or by the browser, creates it once. The key
// goes with the path and the body that were sent with it.
let key = "";
let keyed = "";

export function startForm() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save();
  });
  form.addEventListener("keydown", (event) => event.key === "Escape" && read && closeForm());
  byId("record-cancel").addEventListener("click", closeForm);
  showForm({});
}

/** Opens the form with a record, to change it. */
export function editRecord(record) {
  read = record;
  tag = `"${record.version}"`;
  showForm(record);
  form.elements.namedItem(api.current.fields[0].name).focus();
  tell("edit", { edited: `${api.current.path}/${record.id}` });
}

/** Opens the form for a new record. */
export function newRecord() {
  read = null;
  showForm({});
}

/** The record that is being changed, as it was read; null if none is. */
export function editedRecord() {
  return read;
}

function closeForm() {
  const id = read.id;
  newRecord();
  tell("closed", id);
}

function showForm(record) {
  const values = read ? record : Object.fromEntries(api.current.fields.map(({ name, fallback }) => [name, fallback]));
  const [needed, others] = split(api.current.fields);
  byId("record-title").textContent = read ? t("record.edit", { noun: api.current.noun, id: read.id }) : t("record.new", { noun: api.current.noun });
  const mark = ({ required }) => (required && api.current.fields.length > 1 ? t("required") : "");
  byId("record-fields").replaceChildren(...needed.map((field) => drawField(field, values[field.name], mark(field))));
  showOthers(others, values);
  byId("record-save").textContent = t(read ? "save" : "create");
  byId("record-cancel").hidden = !read;
  byId("conflict").hidden = byId("record-theirs").hidden = true;
  panel.classList.toggle("editing", Boolean(read));
  panel.classList.toggle("small", api.current.fields.length === 1);
  say("");
}

/** On a small screen only what a new record must have is shown at first. */
function split(fields) {
  if (read || matchMedia("(min-width: 60rem)").matches) return [fields, []];
  const needed = fields.filter(({ required }, index) => required || index === 0);
  return [needed, fields.filter((field) => !needed.includes(field))];
}

function showOthers(fields, values) {
  const shown = fields.map((field) => drawField(field, values[field.name]));
  byId("record-more").hidden = !fields.length;
  byId("record-more").replaceChildren(el("details", {}, el("summary", {}, t("more.fields", { count: fields.length })), el("div", {}, ...shown)));
}

function written() {
  const parts = api.current.fields.map((field) => [field, readField(field, form)]);
  const sent = read ? parts : parts.filter(([field, text]) => !isFallback(field, text));
  return `{${sent.map(([{ name }, text]) => `${JSON.stringify(name)}: ${text}`).join(", ")}}`;
}

function save() {
  return read ? replace() : create();
}

async function create() {
  const { path } = api.current;
  const body = written();
  if (keyed !== path + body) key = newKey();
  keyed = path + body;
  say("");
  const headers = [JSON_BODY, ["Idempotency-Key", key], ...tokenHeader()];
  const exchange = await send({ method: "POST", path, headers, body, ownKey: true });
  const isDone = exchange.status === 201;
  if (isDone && keyed === path + body) keyed = "";
  if (read || path !== api.current.path) return;
  complain(exchange);
  // Somebody quick may be writing the next one already.
  if (isDone && written() === body) newRecord();
}

/** Changes the record only if it still is as it was read: If-Match names its version. */
async function replace() {
  const record = read;
  const path = `${api.current.path}/${record.id}`;
  const headers = [JSON_BODY, ["If-Match", tag], ...tokenHeader()];
  const exchange = await send({ method: "PUT", path, headers, body: written() });
  // One may have closed the form meanwhile, or opened another record.
  if (read !== record) return;
  complain(exchange);
  if (exchange.status === 200) return closeForm();
  if (exchange.status === 412) await resolve(path);
}

/** Somebody else was faster: shows what they wrote, and what can be done about it. */
async function resolve(path) {
  const record = read;
  const { showConflict } = await import("./conflict.js");
  const exchange = await send({ path, headers: tokenHeader(), quiet: true });
  const theirs = json(exchange)?.data;
  if (read !== record || exchange.status !== 200 || !theirs) return;
  tag = header(exchange.headers, "ETag");
  showConflict(read, parse(written()), theirs);
  byId("record-theirs").onclick = () => editRecord(theirs);
  byId("record-save").textContent = t("conflict.mine", { tag });
  say("");
}

/** Says what was wrong, beside the fields that were at fault. */
function complain(exchange) {
  const errors = json(exchange)?.errors ?? {};
  say(fault(exchange));
  for (const { name } of api.current.fields) {
    const control = form.elements.namedItem(name);
    control.ariaInvalid = name in errors ? "true" : null;
    if (name in errors) control.setAttribute("aria-describedby", "record-fault");
  }
}

function say(text) {
  byId("record-fault").textContent = text;
}
