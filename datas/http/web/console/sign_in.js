// The forms to register, to sign in and to sign out.
import { byId } from "./dom.js";
import { at, fault, json, send } from "./http.js";
import { change, tokenHeader } from "./session.js";
import { t } from "./texts.js";

const JSON_BODY = [["Content-Type", "application/json"]];

const form = byId("sign-in");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  signIn();
});
byId("register").addEventListener("click", register);
byId("who-am-i").addEventListener("click", whoAmI);
byId("sign-out").addEventListener("click", signOut);

function credentials() {
  return JSON.stringify({ username: form.username.value, password: form.password.value });
}

async function register() {
  const exchange = await send({
    method: "POST",
    path: at("/api/users"),
    headers: JSON_BODY,
    body: credentials(),
  });
  const registered = exchange.status === 201 && json(exchange)?.data?.username;
  say(exchange, registered ? t("session.registered", { username: registered }) : "");
}

async function signIn() {
  const exchange = await send({
    method: "POST",
    path: at("/api/tokens"),
    headers: JSON_BODY,
    body: credentials(),
  });
  say(exchange);
  if (exchange.status !== 201) return;
  form.reset();
  byId("who-am-i").focus();
}

async function whoAmI() {
  say(await send({ path: at("/api/users/me"), headers: tokenHeader() }));
}

async function signOut() {
  say(await send({ method: "DELETE", path: at("/api/tokens/current"), headers: tokenHeader() }));
  change(null);
  form.username.focus();
}

function say(exchange, success = "") {
  byId("session-fault").textContent = fault(exchange);
  byId("session-said").textContent = success;
}
