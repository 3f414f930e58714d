// What no browser sends, and what to do instead, in words for people.
import { t } from "./texts.js";

// A name in HTTP (RFC 9110, section 5.6.2).
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
const FORBIDDEN = ["CONNECT", "TRACE", "TRACK"];
const BODILESS = ["GET", "HEAD"];
// These a browser writes in capital letters, however they were typed; `patch` it leaves alone.
const CAPITAL = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];

/** The verb as the browser will send it. */
export function asSent(method) {
  const capital = method.toUpperCase();
  return CAPITAL.includes(capital) ? capital : method;
}

/** Why the browser would refuse this request; empty if it wouldn't. */
export function mistake({ method, headers, body }) {
  if (!method) return t("mistake.none");
  if (!TOKEN.test(method)) return t("mistake.verb", { method });
  if (FORBIDDEN.includes(method.toUpperCase())) return t("mistake.forbidden", { method });
  if (body && BODILESS.includes(method)) return t("mistake.body");
  return headers.map(headerMistake).find(Boolean) ?? "";
}

function headerMistake([name, value]) {
  if (!TOKEN.test(name)) return t("mistake.name", { name });
  // Further than ÿ a browser has no bytes for a letter.
  if (/[^\t -~\x80-\xff]/.test(value)) return t("mistake.letter", { name });
  return "";
}
