// A field of a record: what its schema says, the control to write it, and the text to show it.
import { el } from "./dom.js";
import { t } from "./texts.js";

/** What a schema says of a field. A field with `fallback` may be left out of a new record. */
export function fieldOf(name, schema, required = false) {
  const types = [schema.type].flat();
  return {
    name,
    kind: kindOf(schema, types),
    nullable: types.includes("null"),
    required,
    fallback: schema["x-default"] ?? null,
    choices: schema.enum ?? [],
    description: schema.description ?? "",
    example: schema.example ?? schema.examples?.[0],
    maxLength: schema.maxLength,
  };
}

function kindOf(schema, types) {
  if (schema.enum) return "choice";
  if (types.includes("boolean")) return "switch";
  if (types.includes("integer") || types.includes("number")) return "number";
  if (types.includes("array")) return "list";
  if (!types.includes("string")) return "json";
  return schema.format === "date" ? "date" : "text";
}

/** The label, with the control in it, of a field that has this value. */
export function drawField(field, value, mark = "") {
  const control = CONTROLS[field.kind](field, value);
  control.name = field.name;
  const label = el(
    "label",
    { class: `field ${field.kind}`, title: field.description },
    el("span", {}, el("b", {}, field.name), mark && el("span", {}, ` ${mark}`)),
    control,
  );
  if (!field.nullable) return label;
  // Null and an empty text are two values, so a switch of its own says which is meant.
  const isNull = el("input", { type: "checkbox", name: `${field.name} null`, "aria-label": t("null.of", { name: field.name }) });
  isNull.checked = value == null;
  control.addEventListener("input", () => (isNull.checked = false));
  return el("div", { class: "nullable" }, label, el("label", { class: "check null" }, isNull, " null"));
}

/** The value in a form as JSON text, so that no digit of a large integer is lost. */
export function readField(field, form) {
  const control = form.elements.namedItem(field.name);
  if (field.nullable && form.elements.namedItem(`${field.name} null`).checked) return "null";
  return READERS[field.kind]?.(control) ?? JSON.stringify(control.value);
}

/** Whether a new record may do without this value: the server would put the same in its place. */
export function isFallback(field, text) {
  if (field.required) return false;
  return text === JSON.stringify(field.fallback) || (!field.nullable && field.fallback === null && text === '""');
}

/** A value for a table's cell. */
export function shown(value) {
  if (value == null) return "–";
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : `${value}`;
}

/** A small draft that the server will take, as JSON text. */
export function sample(fields, example = {}) {
  const required = fields.filter(({ required }) => required);
  const parts = (required.length ? required : fields.slice(0, 1)).map((field) => [
    field.name,
    example[field.name] ?? field.example ?? EXAMPLES[field.kind] ?? field.choices[0],
  ]);
  return JSON.stringify(Object.fromEntries(parts), null, 1).replace(/\n\s*/g, " ");
}

const EXAMPLES = { text: "hello", number: 1, switch: true, date: "2026-11-22", list: [], json: {} };

const CONTROLS = {
  text: ({ example }, value) => input(value, { placeholder: hint(example) }),
  number: ({ example }, value) => input(value, { inputmode: "numeric", placeholder: hint(example) }),
  date: (field, value) => input(value, { type: "date" }),
  json: (field, value) => input(value === undefined ? "" : JSON.stringify(value), {}),
  switch: (field, value) => {
    const control = el("input", { type: "checkbox", role: "switch" });
    control.checked = value === true;
    return control;
  },
  choice: ({ choices }, value) => {
    const control = el("select", {}, ...choices.map((each) => el("option", {}, `${each}`)));
    control.value = value ?? choices[0];
    return control;
  },
  list: (field, value) => {
    const control = el("textarea", { rows: 1, placeholder: t("list.hint") });
    control.value = (value ?? []).join("\n");
    return control;
  },
};

const READERS = {
  // What is no number is sent as it is, so that the server can say what is wrong with it.
  number: ({ value }) => (/^-?(0|[1-9]\d*)(\.\d+)?$/.test(value.trim()) ? value.trim() : JSON.stringify(value)),
  switch: ({ checked }) => JSON.stringify(checked),
  list: ({ value }) => JSON.stringify(value.split("\n").filter((line) => line !== "")),
  json: ({ value }) => value || "null",
};

function input(value, attributes) {
  const control = el("input", { autocomplete: "off", ...attributes });
  control.value = value ?? "";
  return control;
}

function hint(example) {
  return example == null ? null : t("for.example", { example });
}
