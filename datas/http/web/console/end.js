// After the last lesson: the same steps in a terminal, the lines of code, and where to go on.
import { copy } from "./clipboard.js";
import { action, byId, el, prose } from "./dom.js";
import { loadLessons, prepared, values } from "./prepared.js";
import { terminal } from "./snippets.js";
import { lessonTexts, t } from "./texts.js";

// Where the source can be read, if index.html names a place, such as https://example.org/blob/main/
const { source } = document.documentElement.dataset;

let sources = null;

await showEnd();

async function showEnd() {
  const lessons = (await loadLessons()).slice(0, -1);
  const steps = el("div", {});
  const choice = el(
    "select",
    { "aria-label": t("lesson.all"), onchange: ({ target }) => show(lessons[target.value]) },
    ...lessons.map(({ id }, index) => el("option", { value: index }, `${index + 1}. ${lessonTexts(id, values()).title}`)),
  );
  const show = async (lesson) => steps.replaceChildren(...(await drawSteps(lesson)));
  byId("end").replaceChildren(el("label", {}, t("end.terminal"), choice), steps, el("p", {}, ...prose(t("end.next"))));
  show(lessons[0]);
}

/** The standard that a lesson is about, and the lines of code that did it. */
export async function drawSources(id) {
  sources ??= await (await fetch(new URL("sources.json", import.meta.url))).json();
  const { rfc, code } = sources[id];
  const place = (file) => (source ? el("a", { href: source + file }, el("code", {}, file)) : el("code", {}, file));
  return [
    el("li", {}, el("a", { href: rfc[1], target: "_blank", rel: "noreferrer" }, rfc[0])),
    ...code.map((lines) => {
      const [file, name] = lines.split(" ");
      return el("li", {}, place(file), " · ", el("code", {}, name));
    }),
  ];
}

async function drawSteps({ id, requests }) {
  // alice's password is the one that the terminal asks for.
  const given = { ...values(), password: "…" };
  const lines = requests.filter((it) => it && it !== "other").map((it) => terminal(prepared(it, given)));
  const pre = el("pre", { class: "wire", tabindex: 0 }, lines.join("\n"));
  const said = el("span", { class: "soft", role: "status" });
  const copied = async () => (said.textContent = t((await copy(pre)) ? "copied" : "selected"));
  return [
    pre,
    el("div", { class: "row end" }, said, action(t("copy"), copied)),
    el("p", {}, t("end.code")),
    el("ul", { class: "code" }, ...(await drawSources(id))),
  ];
}
