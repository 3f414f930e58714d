// An exchange's request as a line for the terminal, or as a Python program. Each runs as pasted.
// A token is never written out: it stands in the variable TOKEN, and whoever lacks it is told.

const TOKEN_IS_MISSING = "first type: export TOKEN=datas_...";

export const snippets = { curl, HTTPie: httpie, Python: python };

function curl({ method, url, sent }) {
  const words = ["curl"];
  // -I is HEAD; -X HEAD would wait for a body that never comes.
  words.push(method === "HEAD" ? "-I" : "-i");
  // In an address {} and [] have a meaning of their own to curl.
  if (/[[\]{}]/.test(url)) words.push("-g");
  if (!["HEAD", "GET"].includes(method)) words.push("-X", shell(method));
  words.push(shell(url));
  for (const [name, value] of sent.headers) words.push("-H", shellHeader(name, value));
  if (sent.body) {
    // An empty value takes away the header that curl would add.
    if (!has(sent.headers, "Content-Type")) words.push("-H", shell("Content-Type:"));
    words.push("--data-raw", shell(sent.body));
  }
  return words.join(" ");
}

function httpie({ method, url, sent }) {
  const words = ["http", shell(method), shell(url)];
  for (const [name, value] of sent.headers) words.push(shellHeader(name, value));
  if (sent.body) {
    if (!has(sent.headers, "Content-Type")) words.push(shell("Content-Type:"));
    words.push("--raw", shell(sent.body));
  }
  return words.join(" ");
}

function python({ method, url, sent }) {
  const { protocol, hostname, port, pathname, search } = new URL(url);
  const kind = protocol === "https:" ? "HTTPSConnection" : "HTTPConnection";
  const signed = sent.headers.some(([name]) => isAuthorization(name));
  const headers = sent.headers.map(([name, value]) =>
    isAuthorization(name)
      ? `    ${text(name)}: "Bearer " + os.environ["TOKEN"],  # ${TOKEN_IS_MISSING}`
      : `    ${text(name)}: ${text(value)},`,
  );
  const host = hostname.replace(/^\[|\]$/g, "");
  const parts = [text(method), text(pathname + search)];
  if (sent.body) parts.push("body.encode()");
  if (headers.length) parts.push(sent.body ? "headers" : "headers=headers");
  return [
    ...(signed ? ["import os"] : []),
    `from http.client import ${kind}`,
    "",
    ...(headers.length ? ["headers = {", ...headers, "}"] : []),
    ...(sent.body ? [`body = ${text(sent.body)}`] : []),
    `connection = ${kind}(${text(host)}${port ? `, ${port}` : ""})`,
    `connection.request(${parts.join(", ")})`,
    "response = connection.getresponse()",
    "print(response.status, response.reason)",
    "print(response.headers)",
    "print(response.read().decode())",
  ].join("\n");
}

/** A word for the shell: nothing inside single quotes has a meaning but the single quote. */
function shell(word) {
  return /^[\w./:=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
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
