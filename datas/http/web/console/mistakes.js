// What no browser sends, and what to do instead, in words for people.

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
export function mistake({ method, sent: { headers, body } }) {
  if (!method) return "A request needs a verb: write one, such as GET.";
  if (!TOKEN.test(method)) return `“${method}” is no verb: a verb is one word, such as GET.`;
  if (FORBIDDEN.includes(method.toUpperCase())) {
    return `Browsers don't send ${method}. A terminal can: press “curl” in the exchange.`;
  }
  if (body && BODILESS.includes(method)) {
    return "Browsers send no body with GET and HEAD: empty the body, or choose another verb.";
  }
  return headers.map(headerMistake).find(Boolean) ?? "";
}

function headerMistake([name, value]) {
  if (!TOKEN.test(name)) return `A header is written Name: value, and “${name}” can't be a name.`;
  // Further than ÿ a browser has no bytes for a letter.
  if (/[^\t -~\x80-\xff]/.test(value)) return `The header ${name} has a letter that no header can have.`;
  return "";
}
