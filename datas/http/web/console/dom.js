// The little that is missing from the browser's own way to make elements.

/** Here the parts of the page tell one another what happens: see `tell`. */
export const page = new EventTarget();

/**
 * Tells the page of an event: "begin" and "exchange" (a request), "visit" (a problem's page), "look" (a
 * part of the inside), "edit" (a record), "client" (another client's request), "session".
 */
export function tell(type, detail) {
  page.dispatchEvent(new CustomEvent(type, { detail }));
}

/** An element: el("p", { class: "soft", onclick: f }, "text", child). */
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same in a picture. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

/** The element with this id. */
export function byId(id) {
  return document.getElementById(id);
}

/** A button that does something. */
export function action(label, onclick, kind = "") {
  return el("button", { type: "button", class: kind, onclick }, label);
}

/** Text in which what stands in backticks is code. */
export function prose(text) {
  return text.split("`").map((part, index) => (index % 2 ? el("code", {}, part) : part));
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null && child !== false && child !== ""));
  return element;
}
