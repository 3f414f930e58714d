// The tabs of the request's side (https://www.w3.org/WAI/ARIA/apg/patterns/tabs/).
import { byId, tell } from "./dom.js";

// A panel that not every visitor needs is loaded when it is opened first.
const LOAD = {
  send: () => import("./editor.js"),
  session: () => import("./sign_in.js"),
  clients: () => import("./clients.js"),
  end: () => import("./end.js"),
};

const tabs = [...byId("tabs").children];

export function startTabs() {
  for (const tab of tabs) tab.addEventListener("click", () => openTab(panelOf(tab)));
  byId("tabs").addEventListener("keydown", ({ key }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (!step) return;
    const shown = tabs.filter(({ hidden }) => !hidden);
    const to = shown.at((shown.indexOf(document.activeElement) + step) % shown.length);
    openTab(panelOf(to));
    to.focus();
  });
  openTab("records");
}

/** Shows a panel, when it works: "records", "send", "session", "clients" or "end". */
export async function openTab(name) {
  for (const tab of tabs) {
    const chosen = panelOf(tab) === name;
    tab.setAttribute("aria-selected", chosen);
    tab.tabIndex = chosen ? 0 : -1;
    if (chosen) tab.hidden = false;
  }
  await LOAD[name]?.();
  // Another one may have been chosen meanwhile.
  for (const tab of tabs) byId(panelOf(tab)).hidden = tab.ariaSelected !== "true";
  tell("tab", name);
}

function panelOf(tab) {
  return tab.getAttribute("aria-controls");
}
