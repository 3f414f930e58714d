// The lessons: shows one, looks at the exchanges to see how far one got, and keeps what is done.
import { checks } from "./checks.js";
import { byId, el } from "./dom.js";
import { fillEditor } from "./editor.js";
import { at } from "./http.js";

const KEY = "datas-lessons";

let lessons = [];
let done = new Set();
let current = 0;
// The exchanges of the current lesson's steps that are done.
let steps = [];

export async function startLessons() {
  const answer = await fetch(new URL("lessons.json", import.meta.url));
  lessons = await answer.json();
  done = new Set(read().filter((id) => lessons.some((lesson) => lesson.id === id)));
  byId("lesson-back").addEventListener("click", () => open(current - 1));
  byId("lesson-next").addEventListener("click", () => open(current + 1));
  byId("lesson-fill").addEventListener("click", () => fillEditor(prepared(lessons[current].request)));
  byId("lesson-reset").addEventListener("click", reset);
  const first = lessons.findIndex(({ id }) => !done.has(id));
  show(Math.max(first, 0));
  byId("lessons").removeAttribute("aria-busy");
}

/** Looks whether an exchange, or the visit of a page, is the next step of the current lesson. */
export function checkLesson(event) {
  const lesson = lessons[current];
  if (!lesson || event.quiet) return;
  const check = checks[lesson.id][steps.length];
  if (!check?.(event, ...steps)) return;
  steps.push(event);
  if (steps.length === checks[lesson.id].length) {
    done.add(lesson.id);
    write([...done]);
    byId("lesson-hint").open = false;
  }
  showProgress();
}

function open(index) {
  show(index);
  byId("lesson-title").focus();
}

function show(index) {
  current = index;
  steps = [];
  const { title, why, hint, request, rfc, code } = lessons[index];
  byId("lesson-title").textContent = title;
  byId("lesson-why").textContent = why;
  byId("lesson-hint").open = false;
  byId("lesson-hint").querySelector("p").replaceChildren(...prose(hint));
  byId("lesson-fill").hidden = !request;
  byId("lesson-more").querySelector("ul").replaceChildren(
    el("li", {}, el("a", { href: rfc.url, target: "_blank", rel: "noreferrer" }, rfc.title)),
    ...code.map(([file, name]) => el("li", {}, el("code", {}, file), " · ", el("code", {}, name))),
  );
  showProgress();
}

function showProgress() {
  const lesson = lessons[current];
  const all = done.size === lessons.length;
  byId("lesson-count").textContent = `Lesson ${current + 1} of ${lessons.length} · ${done.size} done`;
  byId("lesson-steps").replaceChildren(
    ...lesson.steps.map((text, index) => {
      const ticked = index < steps.length;
      return el("li", { class: ticked ? "done" : "" }, ...prose(text), ticked && el("span", { class: "unseen" }, " (done)"));
    }),
  );
  const finished = steps.length === lesson.steps.length;
  byId("lesson-done").textContent = finished
    ? `Done. ${lesson.done}${all ? " That was the last one: you know your way around HTTP." : ""}`
    : "";
  byId("lesson-back").disabled = current === 0;
  byId("lesson-next").disabled = current === lessons.length - 1;
  byId("lesson-next").classList.toggle("main", finished);
  byId("lesson-dots").replaceChildren(
    ...lessons.map(({ id, title }, index) =>
      el(
        "li",
        {},
        el("button", {
          type: "button",
          class: done.has(id) ? "done" : "",
          "aria-current": index === current && "step",
          "aria-label": `${index + 1}. ${title}${done.has(id) ? " (done)" : ""}`,
          title,
          onclick: () => open(index),
        }),
      ),
    ),
  );
}

function reset() {
  done = new Set();
  write([]);
  open(0);
}

/** A lesson's request, with the path that this server has. */
function prepared({ method, path, headers, body }) {
  return { method, path: at(path), headers: Object.entries(headers ?? {}), body };
}

/** Text in which what stands in backticks is code. */
function prose(text) {
  return text.split("`").map((part, index) => (index % 2 ? el("code", {}, part) : part));
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? [];
  } catch {
    return []; // a browser may forbid it; then nothing is kept
  }
}

function write(ids) {
  try {
    localStorage.setItem(KEY, JSON.stringify(ids));
  } catch {
    // Kept as long as the page is open.
  }
}
