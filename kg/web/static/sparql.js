// Runs the query in the text area and shows its result as a table. Values only ever become text, never markup.
"use strict";

const byId = (id) => document.getElementById(id);
const state = byId("state");
const results = byId("results");
const BASE = location.origin + "/";
const MAX_ROWS = 1000;

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== null) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function term(value) {
  if (!value) return document.createTextNode("");
  if (value.type === "uri" && /^https?:\/\//.test(value.value)) return element("a", value.value.replace(BASE, ""), { href: value.value });
  return element("span", value.value, value["xml:lang"] ? { lang: value["xml:lang"] } : {});
}

function table(variables, rows) {
  const made = element("table", null);
  const head = made.createTHead().insertRow();
  for (const name of variables) head.append(element("th", name, { scope: "col" }));
  const body = made.createTBody();
  for (const row of rows.slice(0, MAX_ROWS)) {
    const line = body.insertRow();
    for (const name of variables) line.insertCell().append(term(row[name]));
  }
  return made;
}

function show(type, text) {
  if (!type.includes("sparql-results+json")) return element("pre", text);
  const answer = JSON.parse(text);
  if ("boolean" in answer) return element("p", answer.boolean ? "Yes" : "No");
  const count = answer.results.bindings.length;
  state.textContent = count > MAX_ROWS ? `${count} rows, the first ${MAX_ROWS} shown` : `${count} rows`;
  return table(answer.head.vars, answer.results.bindings);
}

async function run() {
  state.textContent = "…";
  results.replaceChildren();
  const body = new URLSearchParams({ query: byId("query").value });
  history.replaceState(null, "", "?" + body);
  const accept = "application/sparql-results+json, text/turtle;q=0.9";
  try {
    const response = await fetch("/sparql", { method: "POST", body, headers: { Accept: accept } });
    const text = await response.text();
    state.textContent = "";
    results.append(response.ok ? show(response.headers.get("content-type"), text) : element("p", JSON.parse(text).detail, { class: "problem" }));
  } catch (error) {
    state.textContent = "";
    results.append(element("p", `No complete answer: ${error.message}`, { class: "problem" }));
  }
}

byId("run").addEventListener("click", run);
byId("query").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
});
byId("saved")?.addEventListener("change", (event) => {
  const text = event.target.selectedOptions[0].dataset.text;
  if (text) byId("query").value = text;
});
if (new URLSearchParams(location.search).has("query")) run();
