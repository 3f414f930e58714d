// What Server-Timing tells, as a picture: the server as a hexagon, and the request's way through its parts.
import { action, el, svg, tell } from "./dom.js";
import { header } from "./http.js";
import { t } from "./texts.js";

// From the outside in. Each part's own time; together they are the whole.
const PARTS = ["http", "service", "adapters", "sql"];
const SHAPES = {
  http: "M80 75 126 8H198V40H172L146 75 172 110H198V142H126Z",
  service: "M151 75 175 43H225L249 75 225 107H175Z",
  adapters: "M320 75 274 8H202V40H228L254 75 228 110H202V142H274Z",
  sql: "M350 50C350 40 398 40 398 50V100C398 110 350 110 350 100Z",
};
// Where each part's name stands, and where the way turns back.
const NAMES = { http: [160, 28], service: [200, 60], adapters: [240, 28], sql: [374, 128] };
const TURNS = { http: 128, service: 214, adapters: 288, sql: 378 };
const STOPS = { http: 108, service: 200, adapters: 290, sql: 374 };
const WAY_MS = 800;

/** The elements that show the inside; only a sentence if the server doesn't explain itself. */
export function drawInside(exchange) {
  if (exchange.error) return [];
  const timing = header(exchange.headers, "Server-Timing");
  if (!timing) return [el("p", { class: "soft" }, t("inside.none"), " ", el("code", {}, "DATAS_EXPLAIN=true"))];
  const metrics = readServerTiming(timing);
  const stopped = metrics.find(({ name }) => name === "stopped")?.desc;
  const parts = PARTS.map((id) => {
    const own = metrics.filter(({ name }) => name === id);
    return { id, visited: own.length > 0, ms: own.reduce((sum, { dur }) => sum + dur, 0) };
  });
  const statements = metrics.filter(({ name, desc }) => name === "sql" && desc);
  const about = el("div", { class: "about", "aria-live": "polite" });
  const slowest = parts.reduce((most, part) => (part.ms > most.ms ? part : most));
  return [
    el("div", { class: "inside" }, picture(parts, stopped), list(parts, stopped, slowest, (id) => explain(about, id, stopped, statements))),
    about,
  ];
}

/** The header's metrics: [{ name, dur, desc }] (https://www.w3.org/TR/server-timing/). */
export function readServerTiming(text) {
  // Each metric is a name and parameters; a comma or semicolon inside quotes divides nothing.
  const metrics = text.match(/(?:"(?:\\.|[^"\\])*"|[^,])+/g) ?? [];
  return metrics.map((metric) => {
    const [name, ...parameters] = metric.match(/(?:"(?:\\.|[^"\\])*"|[^;])+/g);
    const found = { name: name.trim(), dur: 0, desc: "" };
    for (const parameter of parameters) {
      const [, key, value] = parameter.match(/^\s*(\w+)=(.*)$/s);
      found[key] = value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, "$1") : value;
    }
    return { ...found, dur: Number(found.dur) };
  });
}

function picture(parts, stopped) {
  const visited = parts.filter(({ visited }) => visited);
  const end = TURNS[visited.at(-1)?.id ?? "http"];
  const told = visited.map(({ id, ms }) => `${t(`part.${id}`)} ${ms.toFixed(2)} ms`).join(", ");
  const label = t("inside.label", { told }) + (stopped ? ` ${t("inside.stopped", { part: t(`part.${stopped}`) })}` : "");
  // There and back again.
  const way = svg("path", { class: "way", pathLength: 1, d: `M50 68H${end - 12}Q${end} 68 ${end} 75T${end - 12} 82H54` });
  const tip = svg("path", { class: "tip", d: "M60 77 52 82 60 87Z" });
  walk(way, tip);
  return svg(
    "svg",
    { class: "hexagon", viewBox: "6 2 402 144", role: "img", "aria-label": label },
    svg("circle", { cx: 30, cy: 75, r: 20, class: "lit" }),
    ...parts.map(({ id, visited }) =>
      svg("path", { d: SHAPES[id], class: `part ${visited ? "lit" : ""} ${id === stopped ? "stopped" : ""}` }),
    ),
    way,
    tip,
    svg("text", { x: 30, y: 113 }, t("you")),
    ...parts.map(({ id }) => svg("text", { x: NAMES[id][0], y: NAMES[id][1] }, t(`part.${id}`))),
    stopped && svg("path", { class: "stop", d: `M${STOPS[stopped] - 7} 68l14 14m0-14l-14 14` }),
  );
}

/** Draws the way once, unless motion is not wanted. */
function walk(way, tip) {
  if (!matchMedia("(prefers-reduced-motion: no-preference)").matches) return;
  way.animate([{ strokeDasharray: "0 1" }, { strokeDasharray: "1 1" }], { duration: WAY_MS, easing: "ease-in-out" });
  tip.animate([{ opacity: 0 }, { opacity: 0, offset: 0.95 }, { opacity: 1 }], { duration: WAY_MS });
}

/** A button for each part, with its time and its share of the whole. */
function list(parts, stopped, slowest, choose) {
  const total = parts.reduce((sum, { ms }) => sum + ms, 0);
  const button = ({ id, visited, ms }) => {
    const made = action("", () => {
      for (const other of made.closest("ul").querySelectorAll("button")) other.ariaPressed = `${other === made}`;
      choose(id);
      tell("look", { looked: id, slowest: slowest.id, stopped });
    });
    made.className = `part ${id === stopped ? "stopped" : ""}`;
    made.ariaPressed = "false";
    const share = el("span", { class: "share" });
    share.style.width = `${total ? (100 * ms) / total : 0}%`;
    made.append(el("b", {}, t(`part.${id}`)), el("span", { class: "ms" }, visited ? `${ms.toFixed(2)} ms` : "–"), share);
    return el("li", {}, made);
  };
  return el("div", { class: "times" }, el("ul", {}, ...parts.map(button)), el("p", { class: "soft" }, t("inside.total", { ms: total.toFixed(2) })));
}

/** What a part does, and for the database the SQL that ran. */
function explain(about, id, stopped, statements) {
  about.replaceChildren(
    el("p", {}, t(`does.${id}`), id === stopped && el("span", { class: "fault" }, ` ${t("inside.here")}`)),
    id === "sql" && statements.length
      ? el("ol", { "aria-label": "SQL" }, ...statements.map(({ desc, dur }) => el("li", {}, el("code", {}, desc), el("span", { class: "soft" }, ` ${dur.toFixed(2)} ms`))))
      : "",
  );
}
