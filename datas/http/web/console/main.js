// Starts the page. Read on in http.js, then records.js.
import { readApi } from "./api.js";
import { byId, el, page } from "./dom.js";
import { startLessons } from "./lessons.js";
import { refreshAfter, startRecords } from "./records.js";
import { showSession, watchSession } from "./session.js";
import { startTabs } from "./tabs.js";
import { t, writeTexts } from "./texts.js";

// One promise for all: two imports of a module need not end in the order in which they began.
let loading = null;
const answer = () => (loading ??= import("./answer.js"));

// An error in these scripts is shown, not swallowed.
addEventListener("error", (event) => showFault(event.message));
addEventListener("unhandledrejection", (event) => showFault(event.reason));

page.addEventListener("begin", async ({ detail }) => detail.quiet || (await answer()).expectAnswer(detail));
page.addEventListener("exchange", async ({ detail }) => {
  watchSession(detail);
  refreshAfter(detail);
  if (!detail.quiet) (await answer()).addAnswer(detail);
});
page.addEventListener("client", ({ detail }) => refreshAfter(detail));

writeTexts();
// The lesson bar is as high as its words need; what stays in sight below it begins there.
new ResizeObserver(([{ target }]) => {
  document.documentElement.style.setProperty("--top", `${Math.ceil(target.getBoundingClientRect().height)}px`);
}).observe(byId("top"));
await readApi();
showSession();
startTabs();
const records = startRecords();
await startLessons();
document.body.ariaBusy = null;
await records;

function showFault(what) {
  const faults = byId("faults");
  faults.hidden = false;
  faults.append(el("p", {}, t("page.fault", { what })));
}
