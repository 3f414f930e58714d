// Signing in and out. The token stays in this tab, and goes with it.
import { byId } from "./dom.js";
import { at, fault, header, json, send } from "./http.js";

const KEY = "datas-session";
const JSON_BODY = [["Content-Type", "application/json"]];

/** Here an event "change" happens when somebody signs in or out. */
export const session = new EventTarget();

/** The header that says who one is; none for whoever isn't signed in. */
export function tokenHeader() {
  const token = read()?.token;
  return token ? [["Authorization", `Bearer ${token}`]] : [];
}

export function startSession() {
  const form = byId("sign-in");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    signIn(form);
  });
  byId("register").addEventListener("click", () => register(form));
  byId("who-am-i").addEventListener("click", whoAmI);
  byId("sign-out").addEventListener("click", signOut);
  show();
}

/** Looks at an exchange: it may bring a token, or tell that one is needed or is no good any more. */
export function watchSession({ status, sent, ...exchange }) {
  const { data, type } = json(exchange) ?? {};
  if (status === 201 && data?.token) {
    change({ username: JSON.parse(sent.body).username, token: data.token });
  }
  if (type?.endsWith("/problems/unauthenticated")) {
    const [[, ours] = []] = tokenHeader();
    if (ours && ours === header(sent.headers, "Authorization")) change(null);
    byId("session-who").textContent = "sign in: this server asks who you are";
  }
}

function credentials(form) {
  return JSON.stringify({ username: form.username.value, password: form.password.value });
}

async function register(form) {
  const exchange = await send({
    method: "POST",
    path: at("/api/users"),
    headers: JSON_BODY,
    body: credentials(form),
  });
  const registered = exchange.status === 201 && json(exchange)?.data?.username;
  say(exchange, registered ? `${registered} is registered: now sign in.` : "");
}

async function signIn(form) {
  const exchange = await send({
    method: "POST",
    path: at("/api/tokens"),
    headers: JSON_BODY,
    body: credentials(form),
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
  byId("sign-in").username.focus();
}

function say(exchange, success = "") {
  byId("session-fault").textContent = fault(exchange);
  byId("session-said").textContent = success;
}

function read() {
  return JSON.parse(sessionStorage.getItem(KEY));
}

function change(to) {
  if (to) sessionStorage.setItem(KEY, JSON.stringify(to));
  else sessionStorage.removeItem(KEY);
  show();
  session.dispatchEvent(new Event("change"));
}

function show() {
  const username = read()?.username;
  byId("session-who").textContent = username ? `signed in as ${username}` : "nobody in particular";
  byId("sign-in").hidden = Boolean(username);
  byId("signed-in").hidden = !username;
  byId("with-token").hidden = !username;
}
