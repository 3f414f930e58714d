// Who is signed in. The token stays in this tab, and goes with it.
import { byId, tell } from "./dom.js";
import { header, json } from "./http.js";
import { t } from "./texts.js";

const KEY = "datas-session";

/** The header that says who sends a request; none if nobody is signed in. */
export function tokenHeader() {
  const token = read()?.token;
  return token ? [["Authorization", `Bearer ${token}`]] : [];
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
    byId("session-who").textContent = t("session.needed");
  }
}

function read() {
  return JSON.parse(sessionStorage.getItem(KEY));
}

/** Takes this session, or none, for that of the tab. */
export function change(to) {
  if (to) sessionStorage.setItem(KEY, JSON.stringify(to));
  else sessionStorage.removeItem(KEY);
  showSession();
  tell("session");
}

export function showSession() {
  const username = read()?.username;
  byId("session-who").textContent = username ? t("session.who", { username }) : t("session.nobody");
  byId("sign-in").hidden = Boolean(username);
  byId("signed-in").hidden = !username;
  byId("with-token").hidden = !username;
}
