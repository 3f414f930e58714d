// The other person, who changes the record that one has just begun to edit.
import { api } from "./api.js";
import { editedRecord } from "./form.js";
import { send } from "./http.js";
import { tokenHeader } from "./session.js";

const CHANGED = {
  text: (value, { maxLength = 255 }) => `${value ?? ""} (theirs)`.slice(-maxLength),
  number: (value) => Number(value ?? 0) + 1,
  switch: (value) => !value,
  choice: (value, { choices }) => choices.find((choice) => choice !== value),
};

export function beOther() {
  const { fields, path } = api.current;
  const { id, ...values } = editedRecord();
  const field = fields.find(({ kind, required }) => kind === "text" && required) ?? fields.find(({ kind }) => kind in CHANGED);
  const body = JSON.stringify({ [field.name]: CHANGED[field.kind](values[field.name], field) });
  const headers = [["Content-Type", "application/json"], ...tokenHeader()];
  return send({ method: "PATCH", path: `${path}/${id}`, headers, body });
}
