// Starts the page. Read on in http.js, then items.js.
import { byId, el } from "./dom.js";
import { startEditor } from "./editor.js";
import { listExchange, startExchanges, visits } from "./exchanges.js";
import { exchanges } from "./http.js";
import { changedItems, refreshAfter, refreshItems, startItems } from "./items.js";
import { checkLesson, startLessons } from "./lessons.js";
import { session, startSession, watchSession } from "./session.js";

// An error in these scripts is shown, not swallowed.
addEventListener("error", (event) => showFault(event.message));
addEventListener("unhandledrejection", (event) => showFault(event.reason));

exchanges.addEventListener("exchange", ({ detail }) => {
  listExchange(detail);
  checkLesson(detail);
  watchSession(detail);
  if (changedItems(detail)) refreshAfter(detail);
});
visits.addEventListener("visit", ({ detail }) => checkLesson({ visited: detail }));
session.addEventListener("change", refreshItems);

startSession();
startEditor();
startExchanges();
await Promise.all([startLessons(), startItems()]);

function showFault(what) {
  const faults = byId("faults");
  faults.hidden = false;
  faults.append(el("p", {}, `This page has a fault: ${what}. Loading it again may help.`));
}
