// The page's words. English is texts.en.json; another language is another file, which `data-languages`
// in index.html names.

const { dataset } = document.documentElement;
const languages = dataset.languages.split(" ");
const preferred = navigator.languages.map((tag) => tag.split("-")[0]);
const language = preferred.find((name) => languages.includes(name)) ?? languages[0];
const answer = await fetch(new URL(`texts.${language}.json`, import.meta.url));
const texts = await answer.json();

/** A text of the page, in which {name} stands for a value. */
export function t(key, values = {}) {
  return filledIn(texts.page[key], values);
}

/** The texts of a lesson: title, why, steps, done, hint. */
export function lessonTexts(id, values) {
  const { steps = [], ...others } = texts.lessons[id];
  const filled = Object.entries(others).map(([key, text]) => [key, filledIn(text, values)]);
  return { ...Object.fromEntries(filled), steps: steps.map((text) => filledIn(text, values)) };
}

/** Writes the texts into the elements of index.html that name one. */
export function writeTexts() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-text]")) element.append(t(element.dataset.text));
  for (const element of document.querySelectorAll("[data-label]")) element.ariaLabel = t(element.dataset.label);
  for (const element of document.querySelectorAll("[data-hint]")) element.placeholder = t(element.dataset.hint);
}

function filledIn(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
