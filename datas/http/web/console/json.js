// JSON as it was written: JavaScript's own numbers lose the digits of large integers.
import { el } from "./dom.js";

const TOKEN = /"(?:[^"\\]|\\.)*"?|-?\d[\d.eE+-]*|true|false|null|[[\]{},:]|[^\s"[\]{},:]+/g;
// 2^53 has 16 digits.
const LARGE = /"(?:[^"\\]|\\.)*"|(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/g;
const OPEN = ["{", "["];
const CLOSE = ["}", "]"];

/** The value of a JSON text; an integer too large for a number is the text of its digits. */
export function parse(text) {
  return JSON.parse(text.replace(LARGE, (token) => (token.startsWith('"') ? token : `"${token}"`)));
}

/** Elements that show a JSON text, indented and coloured. What was cut off is left out. */
export function drawJson(text) {
  const tokens = text.match(TOKEN) ?? [];
  const shown = [];
  let depth = 0;
  const breakLine = () => `\n${"  ".repeat(depth)}`;
  tokens.forEach((token, index) => {
    const before = tokens[index - 1];
    const next = tokens[index + 1];
    if (OPEN.includes(token)) {
      depth += 1;
      shown.push(token, CLOSE.includes(next) ? "" : breakLine());
    } else if (CLOSE.includes(token)) {
      depth -= 1;
      shown.push(OPEN.includes(before) ? "" : breakLine(), token);
    } else if (token === ",") shown.push(token, breakLine());
    else if (token === ":") shown.push(": ");
    else shown.push(el("span", { class: kind(token, next) }, token));
  });
  return shown;
}

function kind(token, next) {
  if (token.startsWith('"')) return next === ":" ? "json-name" : "json-text";
  return /^[-\d]/.test(token) ? "json-number" : "json-word";
}
