// "Send anything": any verb, path, header and body.
import { api } from "./api.js";
import { byId } from "./dom.js";
import { fault, header, send } from "./http.js";
import { asSent, mistake } from "./mistakes.js";
import { tokenHeader } from "./session.js";
import { openTab } from "./tabs.js";
import { t } from "./texts.js";

const form = byId("free");

form.path.value = api.first.path;
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const odd = lines().find((line) => !line.includes(":"));
  if (odd) return say(t("mistake.colon", { line: odd }));
  const request = read();
  say(mistake(request));
  if (mistake(request)) return;
  const exchange = await send(request);
  say(exchange.error ? fault(exchange) : advice(exchange));
});

/** Writes a request into the form, to be changed and sent. */
export async function fillEditor({ method, path, headers = [], body = "" }) {
  await openTab("send");
  form.method.value = method;
  form.path.value = path;
  form.headers.value = headers
    .filter(([name]) => name.toLowerCase() !== "authorization")
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");
  form.body.value = body;
  say("");
  form.querySelector(".main").focus();
}

/** What one must have seen refused before it is of interest. */
function advice({ status, sent }) {
  if (status !== 415 || !sent.body || header(sent.headers, "Content-Type")) return "";
  return t("mistake.type");
}

function say(text) {
  byId("free-fault").textContent = text;
}

/** The headers as they were typed. */
function lines() {
  return form.headers.value.split("\n").filter((line) => line.trim());
}

function read() {
  const headers = lines().map((line) => {
    const [name, ...value] = line.split(":");
    return [name.trim(), value.join(":").trim()];
  });
  const written = headers.some(([name]) => name.toLowerCase() === "authorization");
  if (form.signed.checked && !written) headers.push(...tokenHeader());
  return {
    method: asSent(form.method.value.trim()),
    path: form.path.value.trim(),
    headers,
    body: form.body.value,
  };
}
