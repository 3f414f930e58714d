// Shows only the problems that have every word. Without this script the page is the whole list.
const form = document.querySelector("#search");
const words = document.querySelector("#words");
const count = document.querySelector("#count");
const groups = [...document.querySelectorAll("#groups section")];
const rows = [...document.querySelectorAll("#groups li")];

function show() {
  const wanted = words.value.toLowerCase().split(/\s+/);
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !wanted.every((word) => text.includes(word));
  }
  for (const group of groups) group.hidden = !group.querySelector("li:not([hidden])");
  const found = rows.filter((row) => !row.hidden).length;
  count.textContent = found === 1 ? "1 problem" : `${found} problems`;
}

form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
words.addEventListener("input", show);
show(); // the browser may have kept the words
