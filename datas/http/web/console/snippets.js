// An exchange's request as a line for the terminal, or as a Python program. Each runs as pasted.
// Tokens and passwords are never written out: they stand in variables such as TOKEN and PASSWORD, and
// the terminal says so if one is not set.
import { root } from "./http.js";
import { SECRET } from "./secrets.js";

// Another client's headers that a program writes by itself, or that only its own connection had.
const OWN = ["accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "te", "transfer-encoding", "upgrade"];
const TOKEN_IS_MISSING = "first type: export TOKEN=datas_...";

export const snippets = { curl, HTTPie: httpie, Python: python };

function curl({ method, url, ...exchange }) {
  const words = ["curl"];
  const { headers, body } = sentBy(exchange);
  // -I is HEAD; -X HEAD would wait for a body that never comes.
  words.push(method === "HEAD" ? "-I" : "-i");
  // In an address {} and [] have a meaning of their own to curl.
  if (/[[\]{}]/.test(url)) words.push("-g");
  if (!["HEAD", "GET"].includes(method)) words.push("-X", shell(method));
  words.push(shell(url));
  for (const [name, value] of headers) words.push("-H", shellHeader(name, value));
  if (body) {
    // An empty value takes away the header that curl would add.
    if (!has(headers, "Content-Type")) words.push("-H", shell("Content-Type:"));
    words.push("--data-raw", shellBody(body));
  }
  return words.join(" ");
}

/** A prepared request as a line for the terminal. */
export function terminal({ method, path, headers, body }) {
  return curl({ method, url: new URL(path, root).href, sent: { headers, body } });
}

function httpie({ method, url, ...exchange }) {
  const { headers, body } = sentBy(exchange);
  const words = ["http", shell(method), shell(url)];
  for (const [name, value] of headers) words.push(shellHeader(name, value));
  if (body) {
    if (!has(headers, "Content-Type")) words.push(shell("Content-Type:"));
    words.push("--raw", shellBody(body));
  }
  return words.join(" ");
}

function python({ method, url, ...exchange }) {
  const { headers, body } = sentBy(exchange);
  const { protocol, hostname, port, pathname, search } = new URL(url);
  const kind = protocol === "https:" ? "HTTPSConnection" : "HTTPConnection";
  const lines = headers.map(([name, value]) =>
    isAuthorization(name)
      ? `    ${text(name)}: "Bearer " + os.environ["TOKEN"],  # ${TOKEN_IS_MISSING}`
      : `    ${text(name)}: ${text(value)},`,
  );
  const written = pieces(body, text, (name) => `os.environ["${name}"]`).join(" + ");
  const host = hostname.replace(/^\[|\]$/g, "");
  const parts = [text(method), text(pathname + search)];
  if (body) parts.push("body.encode()");
  if (lines.length) parts.push(body ? "headers" : "headers=headers");
  return [
    ...(`${lines}${written}`.includes("os.environ[") ? ["import os"] : []),
    `from http.client import ${kind}`,
    "",
    ...(lines.length ? ["headers = {", ...lines, "}"] : []),
    ...(body ? [`body = ${written}`] : []),
    `connection = ${kind}(${text(host)}${port ? `, ${port}` : ""})`,
    `connection.request(${parts.join(", ")})`,
    "response = connection.getresponse()",
    "print(response.status, response.reason)",
    "print(response.headers)",
    "print(response.read().decode())",
  ].join("\n");
}

/** What a pasted request sends: not the key that the page made up, which would only repeat the first answer. */
function sentBy({ sent: { headers, body }, ownKey, foreign }) {
  const keyed = ([name]) => ownKey && name === "Idempotency-Key";
  // The server blanks what is secret; a token stands in a variable.
  const odd = ([name, value]) => foreign && (OWN.includes(name.toLowerCase()) || (value === "…" && !isAuthorization(name)));
  return { headers: headers.filter((pair) => !keyed(pair) && !odd(pair)), body };
}

/** A body in pieces: each text through `quote`, and between them what stands for a secret. */
function pieces(body, quote, variable) {
  const found = [];
  let end = 0;
  for (const match of body.matchAll(SECRET)) {
    const [whole, name] = match;
    found.push(quote(`${body.slice(end, match.index)}${name}"`), variable(name.match(/\w+/)[0].toUpperCase()));
    end = match.index + whole.length - 1;
  }
  return [...found, quote(body.slice(end))];
}

/** A word for the shell: nothing inside single quotes has a meaning but the single quote. */
function shell(word) {
  if (/^[\w./:=-]+$/.test(word)) return word;
  if (!/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(word)) return `'${word.replaceAll("'", `'\\''`)}'`;
  // A terminal obeys a pasted control character before the shell reads it.
  const escaped = (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `$'${word.replace(/[\\'\x00-\x1f\x7f-\x9f]/g, escaped)}'`;
}

function shellBody(body) {
  return pieces(body, shell, (name) => `"\${${name}:?first type: export ${name}=...}"`).join("");
}

function shellHeader(name, value) {
  if (isAuthorization(name)) return `"${name}: Bearer \${TOKEN:?${TOKEN_IS_MISSING}}"`;
  return shell(value === "" ? `${name};` : `${name}: ${value}`);
}

/** A Python string: what JSON escapes, and how, Python reads as well. */
function text(value) {
  return JSON.stringify(value).replaceAll("\x7f", "\\u007f");
}

function has(headers, name) {
  return headers.some(([other]) => other.toLowerCase() === name.toLowerCase());
}

function isAuthorization(name) {
  return name.toLowerCase() === "authorization";
}
