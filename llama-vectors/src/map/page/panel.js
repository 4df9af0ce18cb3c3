// The list at the side: what was found or selected, or one point with its text, columns and nearest texts.
const kListStep = 100;

class Panel {
  constructor(store, acts) {
    this.store = store;
    this.acts = acts; // choose(point), save(points, kind), close(), preview(point)
    this.status = byId("status");
    this.body = byId("results");
    this.actions = byId("actions");
    for (const kind of ["csv", "json"]) byId(`save-${kind}`).addEventListener("click", () => acts.save(this.points, kind));
    byId("close").addEventListener("click", () => acts.close());
    this.points = [];
  }

  clear() {
    this.points = [];
    this.status.textContent = "";
    this.actions.hidden = true;
    this.body.replaceChildren();
    byId("panel").classList.remove("open");
  }

  // `words` are marked in the texts. Called again with more points while a search runs.
  showList(title, points, words = []) {
    this.points = points;
    this.status.textContent = title;
    this.actions.hidden = points.length === 0;
    byId("panel").classList.add("open");
    const list = make("ol", "list", null, { "aria-label": title });
    this.body.replaceChildren(list);
    this.extend(list, 0, words);
  }

  extend(list, from, words) {
    const end = Math.min(this.points.length, from + kListStep);
    for (let i = from; i < end; i++) list.append(this.item(this.points[i], words));
    if (end === this.points.length) return;
    const more = make("button", "more", `Show more (${counted(this.points.length - end)} left)`, { type: "button" });
    more.addEventListener("click", () => {
      more.remove();
      this.extend(list, end, words);
    });
    this.body.append(more);
  }

  item(point, words, similarity = null) {
    const item = make("li");
    const button = make("button", "row", null, { type: "button" });
    const text = this.store.text(point);
    const label = make("span", "row-text");
    this.marked(label, text === null ? "…" : this.excerpt(text, words), words);
    const about = make("span", "row-about", `row ${this.store.row[point]} · ${this.acts.clusterName(point)}`);
    button.append(label, about);
    if (similarity !== null) {
      button.prepend(make("span", "similarity", similarity.toFixed(2), { title: "cosine similarity", "aria-label": `similarity ${similarity.toFixed(2)}` }));
      button.classList.add("has-similarity");
    }
    button.addEventListener("click", () => this.acts.choose(point));
    button.addEventListener("pointerenter", () => this.acts.preview(point));
    button.addEventListener("pointerleave", () => this.acts.preview(-1));
    button.addEventListener("focus", () => this.acts.preview(point));
    item.append(button);
    return item;
  }

  // The part of a text where the first word is.
  excerpt(text, words) {
    const flat = shortened(text, 4000);
    const at = words.length > 0 ? flat.toLowerCase().indexOf(words[0]) : -1;
    return at > 90 ? "…" + flat.slice(at - 60, at + 200) : shortened(flat, 240);
  }

  marked(element, text, words) {
    const lower = text.toLowerCase();
    let at = 0;
    while (words.length > 0 && lower.length === text.length) {
      const hits = words.map((word) => [lower.indexOf(word, at), word.length]).filter(([place]) => place >= 0);
      if (hits.length === 0) break;
      const [place, length] = hits.reduce((a, b) => (b[0] < a[0] ? b : a));
      element.append(text.slice(at, place), make("mark", "", text.slice(place, place + length)));
      at = place + length;
    }
    element.append(text.slice(at));
  }

  showPoint(point) {
    const { store } = this;
    const neighbours = store.neighbours(point);
    this.points = [point, ...neighbours.map((neighbour) => neighbour.point)];
    this.status.textContent = `Row ${store.row[point]}, ${this.acts.clusterName(point)}`;
    this.actions.hidden = false;
    byId("panel").classList.add("open");
    const whole = make("p", "whole", store.text(point) ?? "The text is still being read…", { tabindex: "0", dir: "auto" });
    const facts = make("dl", "facts");
    store.map.columns.forEach((column, c) => {
      const value = store.value(c, point);
      if (value === null || value === "") return;
      facts.append(make("dt", "", column.name), make("dd", "", column.kind === "number" ? shownNumber(value) : shortened(value, 200)));
    });
    const list = make("ol", "list", null, { "aria-label": "Nearest texts" });
    for (const neighbour of neighbours) list.append(this.item(neighbour.point, [], neighbour.similarity));
    this.body.replaceChildren(whole, facts, make("h2", "", neighbours.length > 0 ? "Nearest texts" : ""), list);
    this.body.scrollTop = 0;
  }
}
