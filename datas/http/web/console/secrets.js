// Passwords and tokens are not shown: a screen may be seen by others.

export const SECRET = /("(?:password|new_password|token)"\s*:\s*)"((?:[^"\\]|\\.)*)"?/g;
// Of a token only the beginning is shown.
const TOKEN = /(datas_.{4})[\w-]+/g;
const NAMES = ["authorization", "cookie", "proxy-authorization", "set-cookie"];

/** A body without its secrets. */
export function withoutSecrets(text) {
  return text.replace(SECRET, '$1"…"').replace(TOKEN, "$1…");
}

/** The value of a header, as it may be shown. */
export function shownValue(name, value) {
  if (!NAMES.includes(name.toLowerCase())) return value.replace(TOKEN, "$1…");
  return value.replace(/^(\S+\s+)?.*$/s, "$1…");
}
