// The lessons: shows one, looks at what happens to see how far one got, and keeps what is done.
import { api, showCollection } from "./api.js";
import { byId, el, page, prose, tell } from "./dom.js";
import { editedRecord, newRecord } from "./form.js";
import { currentStep, loadLessons, prepared, values } from "./prepared.js";
import { openTab } from "./tabs.js";
import { lessonTexts, t } from "./texts.js";

const KEY = "datas-lessons";
const EVENTS = ["exchange", "visit", "look", "edit", "client"];

// `lessons` ends with one that has no step: the end.
let lessons = [];
let done = new Set();
let current = 0;
// What happened at the current lesson's steps that are done.
let steps = [];
let checking = null;

export async function startLessons() {
  lessons = await loadLessons();
  done = new Set(read().filter((id) => lessons.some((lesson) => lesson.id === id)));
  byId("lesson-back").addEventListener("click", () => open(current - 1));
  byId("lesson-next").addEventListener("click", () => open(current + 1));
  byId("lesson-act").addEventListener("click", act);
  byId("lesson-more").addEventListener("beforetoggle", showSources);
  byId("lesson-reset").addEventListener("click", () => byId("reset").showModal());
  byId("reset").addEventListener("close", ({ target }) => target.returnValue === "reset" && reset());
  addEventListener("hashchange", () => show(fromHash() ?? current));
  for (const type of EVENTS) page.addEventListener(type, ({ detail }) => check(detail));
  // With the form closed there is nothing for the other person to change: the lesson begins anew.
  page.addEventListener("closed", () => isOther() && show(current));
  showNotice();
  const first = lessons.findIndex(({ id }) => !done.has(id));
  show(fromHash() ?? first);
}

/** Looks whether what has just happened is the next step of the current lesson. */
async function check(event) {
  if (event.quiet) return;
  checking ??= import("./checks.js");
  const { checks } = await checking;
  const { id, tabs } = lessons[current];
  // Before the conflict one may have opened another record, or this one anew.
  if (event.edited && steps[0]?.edited && steps.length < 3) steps = [];
  if (!checks[id]?.[steps.length]?.(event, ...steps)) return;
  steps.push(event);
  if (steps.length === tabs.length) {
    done.add(id);
    write([...done]);
  } else openTab(tabs[steps.length]);
  showProgress();
}

function open(index) {
  show(index);
  history.replaceState(null, "", `#lesson=${index + 1}`);
  byId("lesson-title").focus();
}

/** The lesson that the address names: #lesson=3 is the third. */
function fromHash() {
  const number = Number(location.hash.match(/^#lesson=(\d+)$/)?.[1]);
  return lessons[number - 1] ? number - 1 : null;
}

function show(index) {
  current = index;
  steps = [];
  if (api.current !== api.first) showCollection(0);
  const { id, tabs } = lessons[index];
  const { title, why, hint } = lessonTexts(id, values());
  byId("lesson-title").textContent = title;
  byId("lesson-why").replaceChildren(...prose(why));
  byId("lesson-reason").replaceChildren(el("h2", {}, title), el("p", {}, ...prose(why)));
  byId("lesson-hint").replaceChildren(el("h2", {}, t("lesson.hint")), el("p", {}, ...prose(hint)));
  for (const open of ["lesson-hint-open", "lesson-more-open"]) byId(open).hidden = id === "end";
  newRecord();
  openTab(tabs[0]);
  showProgress();
}

function showProgress() {
  const { id } = lessons[current];
  const texts = lessonTexts(id, values(steps));
  const finished = texts.steps.length > 0 && steps.length === texts.steps.length;
  const count = lessons.length - 1;
  byId("lesson-count").textContent = current === count ? t("lesson.finished", { done: done.size, count }) : t("lesson.count", { number: current + 1, count });
  byId("lesson-steps").replaceChildren(...texts.steps.map(drawStep));
  byId("lesson-done").replaceChildren(...prose(progress(texts, finished)));
  byId("lesson").classList.toggle("finished", finished);
  byId("lesson-back").disabled = current === 0;
  byId("lesson-next").disabled = current === count;
  byId("lesson-next").classList.toggle("main", finished);
  showAct(finished);
  showAll();
}

function progress(texts, finished) {
  if (finished) return `${t("lesson.done")} ${texts.done}`;
  return steps.length ? t("step.done", { number: steps.length, count: texts.steps.length }) : "";
}

function drawStep(text, index) {
  const kind = index < steps.length ? "done" : index === steps.length ? "now" : "later";
  return el("li", { class: kind, "aria-current": kind === "now" && "step" }, el("span", {}, ...prose(text)), kind === "done" && el("span", { class: "unseen" }, ` (${t("lesson.is.done")})`));
}

/** The button that does what the step would have one type. */
function showAct(finished) {
  const { tab, request } = currentStep(lessons[current], steps);
  const other = isOther();
  if (tab === "clients" && request) tell("command");
  byId("lesson-act").hidden = finished || !request || (tab !== "send" && !other);
  byId("lesson-act").textContent = t(other ? "act.other" : "act.send");
}

function isOther() {
  return currentStep(lessons[current], steps).request === "other";
}

async function act() {
  // Another collection closes the form, too.
  if (isOther()) return editedRecord() ? (await import("./other.js")).beOther() : show(current);
  const { fillEditor } = await import("./editor.js");
  fillEditor(nextRequest());
}

/** The request that is prepared for the next step; none if there is none. */
export function nextRequest() {
  const { request } = currentStep(lessons[current], steps);
  return request?.method && prepared(request, values(steps));
}

function showAll() {
  const state = (id, index) => ({ class: done.has(id) ? "done" : "", "aria-current": index === current && "step" });
  const name = ({ id }, index) => `${index + 1}. ${lessonTexts(id, values()).title}`;
  const whole = (lesson, index) => name(lesson, index) + (done.has(lesson.id) ? ` (${t("lesson.is.done")})` : "");
  const button = (lesson, index, label) => el("button", { type: "button", ...state(lesson.id, index), "aria-label": whole(lesson, index), title: name(lesson, index), onclick: () => choose(index) }, label);
  byId("lesson-dots").replaceChildren(...lessons.slice(0, -1).map((lesson, index) => el("li", {}, button(lesson, index, ""))));
  byId("lesson-list").querySelector("ol").replaceChildren(...lessons.map((lesson, index) => el("li", {}, button(lesson, index, lessonTexts(lesson.id, values()).title))));
}

function choose(index) {
  byId("lesson-list").hidePopover();
  open(index);
}

/** The standard and the lines of code, which are loaded when they are asked for. */
async function showSources() {
  const { drawSources } = await import("./end.js");
  byId("lesson-more").lastElementChild.replaceChildren(...(await drawSources(lessons[current].id)));
}

/** What the lessons need and this server lacks, and how to get there. */
function showNotice() {
  const lacks = [!api.first.open && "notice.access", !api.explains && "notice.explain"].filter(Boolean);
  byId("lesson-notice").hidden = !lacks.length;
  byId("lesson-notice").firstElementChild.textContent = lacks.map((key) => t(key)).join(" ");
  const how = [!api.first.open && "how.sign.in", "how.learn", "how.warn"].filter(Boolean);
  byId("lesson-how").replaceChildren(el("h2", {}, t("lesson.how")), ...how.map((key) => el("p", {}, ...prose(t(key)))));
}

function reset() {
  // Else Escape, which gives no answer, would give this one the next time.
  byId("reset").returnValue = "";
  byId("lesson-list").hidePopover();
  done = new Set();
  write([]);
  open(0);
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
