"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const rows = Object.fromEntries(data.rows.map((row) => [row.name, row]));
const detail = document.getElementById("detail");

function element(name, text, parent) {
  const made = document.createElement(name);
  made.textContent = text;
  parent.append(made);
  return made;
}

function show(id) {
  document.querySelectorAll(".chosen").forEach((one) => one.classList.remove("chosen"));
  document.getElementById(id).classList.add("chosen");
  detail.replaceChildren();
  for (const name of data.arrows[id]) {
    const row = rows[name];
    document.getElementById(`row ${name}`).classList.add("chosen");
    element("strong", `${row.name}: ${row.intended}`, detail);
    element("div", `${row.reason}. Declared ${row.declared}, packets ${row.observed}: ${row.verdict}.`, detail);
    element("div", `The rule: ${row.rule}`, detail);
    const way = element("details", "", detail);
    element("summary", "hop by hop", way);
    element("pre", row.path, way);
  }
}

for (const id of Object.keys(data.arrows)) {
  const arrow = document.getElementById(id);
  arrow.setAttribute("tabindex", "0");
  arrow.setAttribute("role", "button");
  arrow.addEventListener("click", (event) => { event.preventDefault(); show(id); });
  arrow.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); show(id); } });
}
if (data.arrows[location.hash.slice(1)]) { show(location.hash.slice(1)); }
