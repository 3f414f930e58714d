// What the server serves, as /openapi.json says: its collections, and their fields, sorts and filters.
// Nothing on this page is written for one collection.
import { byId, el, tell } from "./dom.js";
import { fieldOf, sample } from "./fields.js";
import { at } from "./http.js";

const JSON_TYPE = "application/json";
// These parameters of a list have a place of their own on the page, or none.
const NO_FILTERS = ["q", "sort", "limit", "after", "count"];

/** `current` is the collection that is shown, `first` the one that the lessons speak of. */
export const api = { explains: false, collections: [], first: null, current: null };

export async function readApi() {
  const answer = await fetch(at("/openapi.json"), { cache: "no-cache" });
  const { paths, components } = await answer.json();
  api.explains = answer.headers.has("Server-Timing");
  api.collections = Object.keys(paths)
    .filter((path) => isCollection(path, paths))
    .map((path) => collectionOf(path, paths, components.schemas));
  api.first = api.current = api.collections[0];
  showChoice();
}

/** A path where records are listed and created, with records below it. */
function isCollection(path, paths) {
  const { get, post } = paths[path];
  return Boolean(get && post && recordPath(path, paths) && paths[recordPath(path, paths)].put);
}

function recordPath(path, paths) {
  return Object.keys(paths).find((other) => other.startsWith(`${path}/{`) && other.endsWith("}"));
}

function collectionOf(path, paths, schemas) {
  const { get, post } = paths[path];
  const draft = resolved(post.requestBody.content[JSON_TYPE].schema, schemas);
  const parameters = Object.fromEntries((get.parameters ?? []).map((it) => [it.name, it.schema]));
  const fields = Object.entries(draft.properties).map(([name, schema]) =>
    fieldOf(name, schema, draft.required?.includes(name)),
  );
  return {
    path: at(path),
    noun: recordPath(path, paths).match(/\{(\w+?)(?:_id)?\}/)[1].replaceAll("_", " "),
    plural: post.tags?.[0] ?? path.split("/").at(-1),
    fields,
    sorts: parameters.sort?.enum ?? [],
    searches: "q" in parameters,
    filters: Object.entries(parameters)
      .filter(([name]) => !NO_FILTERS.includes(name))
      .map(([name, schema]) => fieldOf(name, schema, true)),
    // Without any of the ways to prove who one is.
    open: (post.security ?? [{}]).some((needed) => Object.keys(needed).length === 0),
    draft: sample(fields, post.requestBody.content[JSON_TYPE].example),
  };
}

function resolved(schema, schemas) {
  return schema.$ref ? schemas[schema.$ref.split("/").at(-1)] : schema;
}

function showChoice() {
  byId("choice").hidden = api.collections.length < 2;
  byId("collection").append(...api.collections.map(({ plural }, index) => el("option", { value: index }, plural)));
  byId("collection").addEventListener("change", ({ target }) => showCollection(target.value));
}

export function showCollection(index) {
  byId("collection").value = index;
  api.current = api.collections[index];
  tell("collection");
}
