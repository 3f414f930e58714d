// The requests that lessons.json prepares, written for the collection that is served.
import { api } from "./api.js";
import { at, header, newKey } from "./http.js";
import { anyRecord } from "./records.js";

/** The lessons, and after them the end, which has no step. */
export async function loadLessons() {
  const answer = await fetch(new URL("lessons.json", import.meta.url));
  const lessons = await answer.json();
  return [...lessons.map((lesson) => ({ ...lesson, tabs: lesson.tabs.split(" ") })), { id: "end", tabs: ["end"] }];
}

/** What {names} stand for in texts and requests, after these steps of the lesson. */
export function values([first] = []) {
  const { path, noun, plural, fields, draft } = api.first;
  return {
    ...{ path, noun, plural, field: fields[0].name, draft, root: at("") },
    first: first?.path ?? anyRecord(),
    etag: header(first?.headers, "ETag") ?? '"1"',
    key: header(first?.sent?.headers, "Idempotency-Key") ?? newKey(),
  };
}

/** A request of lessons.json with its values filled in. */
export function prepared({ method, path, headers, body = "" }, given) {
  const filled = (text) => text.replace(/\{(\w+)\}/g, (whole, name) => given[name] ?? whole);
  const named = { ...(body && { "Content-Type": "application/json" }), ...headers };
  const pairs = Object.entries(named).map(([name, value]) => [name, filled(value)]);
  return { method, path: filled(path), headers: pairs, body: filled(body) };
}

/** Where the next step is done, and the request that is prepared for it, if there is one. */
export function currentStep({ tabs, requests = [] }, steps) {
  return { tab: tabs[steps.length], request: requests[steps.length] };
}
