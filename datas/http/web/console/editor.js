// The free-form request: any verb, path, header and body.
import { byId } from "./dom.js";
import { at, fault, header, send } from "./http.js";
import { tokenHeader } from "./session.js";

export function startEditor() {
  const form = byId("request");
  form.path.value = at("/api/datas");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const odd = lines(form).find((line) => !line.includes(":"));
    if (odd) return say(`A header is written Name: value, and “${odd}” has no colon.`);
    say("");
    const exchange = await send(read(form));
    say(exchange.error ? fault(exchange) : advice(exchange));
  });
}

/** Writes a request into the form, to be changed and sent. */
export function fillEditor({ method, path, headers = [], body = "" }) {
  const form = byId("request");
  form.method.value = method;
  form.path.value = path;
  form.headers.value = headers
    .filter(([name]) => name.toLowerCase() !== "authorization")
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");
  form.body.value = body;
  form.scrollIntoView({ block: "center" });
  form.method.focus({ preventScroll: true });
}

/** What one must have seen refused before it is of interest. */
function advice({ status, sent }) {
  if (status !== 415 || !sent.body || header(sent.headers, "Content-Type")) return "";
  const then = "Write the header Content-Type: application/json, and send it again.";
  return `The request didn't say what its body is. ${then}`;
}

function say(text) {
  byId("request-fault").textContent = text;
}

/** The headers as they were typed. */
function lines(form) {
  return form.headers.value.split("\n").filter((line) => line.trim());
}

function read(form) {
  const headers = lines(form).map((line) => {
    const [name, ...value] = line.split(":");
    return [name.trim(), value.join(":").trim()];
  });
  const written = headers.some(([name]) => name.toLowerCase() === "authorization");
  if (form.signed.checked && !written) headers.push(...tokenHeader());
  return {
    method: form.method.value.trim(),
    path: form.path.value.trim(),
    headers,
    body: form.body.value,
  };
}
