// Two people changed one record: yours, theirs, and what you read.
import { api } from "./api.js";
import { byId, el } from "./dom.js";
import { shown } from "./fields.js";
import { t } from "./texts.js";

const COLUMNS = ["field", "read", "mine", "theirs"];

/** Compares three versions of a record above its form, which then shows what differs alone. */
export function showConflict(read, mine, theirs) {
  const versions = [read, mine, theirs];
  const fields = api.current.fields.map(({ name }) => name);
  const differs = fields.filter((name) => new Set(versions.map((each) => shown(each[name]))).size > 1);
  for (const name of fields) {
    byId("record").elements.namedItem(name).closest("#record-fields > *").hidden = !differs.includes(name);
  }
  byId("conflict").replaceChildren(
    el("p", {}, t("conflict.what", { version: theirs.version, read: read.version })),
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, ...COLUMNS.map((each) => el("th", { scope: "col" }, t(`conflict.${each}.head`))))),
      el("tbody", {}, ...differs.map((name) => row(name, versions))),
    ),
  );
  byId("conflict").hidden = byId("record-theirs").hidden = false;
}

function row(name, versions) {
  return el("tr", {}, el("th", { scope: "row" }, name), ...versions.map((each) => el("td", {}, shown(each[name]))));
}
