// Makes elements. Every text goes in as text, never as markup.
function make(tag, className = "", text = null, attributes = {}) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== null) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function byId(id) {
  return document.getElementById(id);
}

function shortened(text, characters) {
  const flat = text.replace(/\s+/g, " ").trim();
  const list = flat.length > characters ? [...flat.slice(0, 2 * characters)] : null;
  return list && list.length > characters ? list.slice(0, characters - 1).join("") + "…" : flat;
}

function counted(number) {
  return number.toLocaleString("en-US");
}

function shownNumber(value) {
  if (value === null) return "";
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}
