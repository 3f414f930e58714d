// What happened inside the server: the hexagon, and the request's way through its rooms.
import { el, svg } from "./dom.js";
import { header } from "./http.js";

// From the outside in. Each room's own time; together they are the whole.
const ROOMS = [
  { id: "http", does: "reads the request, writes the response" },
  { id: "service", does: "decides: rules, permissions, versions" },
  { id: "adapters", does: "do what the service needs: storing, finding, hashing" },
  { id: "sql", does: "the database works" },
];
const SHAPES = {
  http: "M80 85 128 15H198V48H174L148 85 174 122H198V155H128Z",
  service: "M152 85 176 51H224L248 85 224 119H176Z",
  adapters: "M320 85 272 15H202V48H226L252 85 226 122H202V155H272Z",
  sql: "M352 64C352 56 392 56 392 64V106C392 114 352 114 352 106Z",
};
// Where each room's name stands, and where the way turns back.
const NAMES = { http: [158, 31], service: [200, 70], adapters: [242, 31], sql: [372, 130] };
const TURNS = { http: 130, service: 212, adapters: 286, sql: 378 };

/** The elements that show it; only a sentence if the server doesn't explain itself. */
export function drawInside(exchange) {
  if (exchange.error) return [];
  const title = el("h3", {}, "Inside");
  const timing = header(exchange.headers, "Server-Timing");
  if (!timing) {
    const how = "To see which rooms the request went through, start the server with ";
    return [title, el("p", { class: "soft" }, how, el("code", {}, "DATAS_EXPLAIN=true"), ".")];
  }
  const metrics = readServerTiming(timing);
  const stopped = metrics.find(({ name }) => name === "stopped")?.desc;
  const rooms = ROOMS.map((room) => {
    const own = metrics.filter(({ name }) => name === room.id);
    return { ...room, visited: own.length > 0, ms: own.reduce((sum, { dur }) => sum + dur, 0) };
  });
  const statements = metrics.filter(({ name, desc }) => name === "sql" && desc);
  return [
    title,
    picture(rooms, stopped),
    table(rooms, stopped),
    ...(statements.length ? [list(statements)] : []),
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

function picture(rooms, stopped) {
  const deepest = rooms.findLast(({ visited }) => visited)?.id ?? "http";
  const end = TURNS[deepest];
  const told = rooms.filter(({ visited }) => visited).map(({ id, ms }) => `${id} ${ms.toFixed(2)} ms`);
  const label = `The request went through ${told.join(", ")}.${stopped ? ` It stopped in ${stopped}.` : ""}`;
  return svg(
    "svg",
    { class: "hexagon", viewBox: "0 0 416 176", role: "img", "aria-label": label },
    svg("circle", { cx: 30, cy: 85, r: 20, class: "lit" }),
    ...rooms.map(({ id, visited }) =>
      svg("path", { d: SHAPES[id], class: `room ${visited ? "lit" : ""} ${id === stopped ? "stopped" : ""}` }),
    ),
    // There and back again.
    svg("path", { class: "way", d: `M50 78H${end - 12}Q${end} 78 ${end} 85T${end - 12} 92H54` }),
    svg("path", { class: "tip", d: "M60 87 52 92 60 97Z" }),
    svg("text", { x: 30, y: 124 }, "you"),
    ...rooms.flatMap(({ id, visited, ms }) => {
      const [x, y] = NAMES[id];
      // Below its name; in the middle room the way passes between them.
      const below = id === "service" ? y + 41 : y + 14;
      return [
        svg("text", { x, y }, id === "sql" ? "database" : id),
        visited && svg("text", { x, y: below, class: "ms" }, `${ms.toFixed(2)} ms`),
      ];
    }),
    stopped && svg("text", { x: NAMES[stopped][0], y: 171, class: "stop" }, "▲ stopped here"),
  );
}

function table(rooms, stopped) {
  const total = rooms.reduce((sum, { ms }) => sum + ms, 0);
  return el(
    "table",
    { class: "rooms" },
    el("caption", {}, `${total.toFixed(2)} ms in the server`),
    el(
      "tbody",
      {},
      ...rooms.map(({ id, does, visited, ms }) =>
        el(
          "tr",
          { class: visited ? "" : "soft" },
          el("th", { scope: "row" }, id),
          el("td", {}, id === stopped ? "the request was refused here" : does),
          el("td", { class: "ms" }, visited ? `${ms.toFixed(2)} ms` : "not reached"),
        ),
      ),
    ),
  );
}

function list(statements) {
  return el(
    "ol",
    { class: "statements", "aria-label": "SQL" },
    ...statements.map(({ desc, dur }) =>
      el("li", {}, el("code", {}, desc), el("span", { class: "soft" }, ` ${dur.toFixed(2)} ms`)),
    ),
  );
}
