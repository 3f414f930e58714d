// The free-form request: any verb, path, header and body.
import { byId } from "./dom.js";
import { at, fault, header, send } from "./http.js";
import { tokenHeader } from "./session.js";

export function startEditor() {
  const form = byId("request");
  form.path.value = at("/api/datas");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const exchange = await send(read(form));
    byId("request-fault").textContent = exchange.error ? fault(exchange) : advice(exchange);
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
  return "The request didn't say what its body is. Write the header Content-Type: application/json, and send it again.";
}

function read(form) {
  const headers = form.headers.value
    .split("\n")
    .filter((line) => line.trim())
    .map((line) => {
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
