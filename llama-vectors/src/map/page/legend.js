// The legend: a switch for each category or cluster, a ramp for numbers, and the choice of what the colours mean.
const kRowsBeforeMore = 40;

class Legend {
  constructor(store, acts) {
    this.store = store;
    this.acts = acts; // colorBy(number), toggled(), emphasize(code or null)
    this.rows = byId("legend-rows");
    this.choice = byId("color-by");
    this.choice.append(make("option", "", "Clusters", { value: -1 }));
    store.map.columns.forEach((column, c) => {
      if (column.kind !== "text") this.choice.append(make("option", "", column.name, { value: c }));
    });
    this.choice.addEventListener("change", () => acts.colorBy(Number(this.choice.value)));
    byId("show-all").addEventListener("click", () => this.setAll(false));
    byId("hide-all").addEventListener("click", () => this.setAll(true));
  }

  setAll(isHidden) {
    const { hidden, order } = this.coloring;
    if (isHidden) order.forEach((code) => hidden.add(code));
    else hidden.clear();
    this.show(this.coloring, this.isDark);
    this.acts.toggled();
  }

  show(coloring, isDark) {
    this.coloring = coloring;
    this.isDark = isDark;
    this.choice.value = String(coloring.by);
    byId("legend-switches").hidden = coloring.isNumber;
    this.rows.replaceChildren();
    if (coloring.isNumber) return void this.showRamp();
    this.extend(0);
  }

  extend(from) {
    const { order } = this.coloring;
    const end = Math.min(order.length, from + kRowsBeforeMore);
    for (let i = from; i < end; i++) this.rows.append(this.row(order[i]));
    if (end === order.length) return;
    const item = make("li");
    const more = make("button", "more", `${counted(order.length - end)} more`, { type: "button" });
    more.addEventListener("click", () => {
      item.remove();
      this.extend(end);
    });
    item.append(more);
    this.rows.append(item);
  }

  row(code) {
    const { coloring } = this;
    const item = make("li");
    const button = make("button", "legend-row", null, { type: "button", "aria-pressed": String(!coloring.hidden.has(code)) });
    const swatch = make("span", "swatch");
    swatch.style.background = cssColor(coloring.color(code, this.isDark));
    button.append(swatch, make("span", "legend-name", coloring.names[code], { title: coloring.names[code], dir: "auto" }));
    button.append(make("span", "legend-count", counted(coloring.counts[code])));
    button.addEventListener("click", () => {
      if (!coloring.hidden.delete(code)) coloring.hidden.add(code);
      button.setAttribute("aria-pressed", String(!coloring.hidden.has(code)));
      this.acts.toggled();
    });
    button.addEventListener("pointerenter", () => this.acts.emphasize(code));
    button.addEventListener("pointerleave", () => this.acts.emphasize(null));
    item.append(button);
    return item;
  }

  showRamp() {
    const { low, high, missing } = this.store.map.columns[this.coloring.by];
    const ramp = make("div", "ramp", null, { role: "img", "aria-label": `colours from ${shownNumber(low)} to ${shownNumber(high)}` });
    const stops = [];
    for (let i = 0; i <= 8; i++) stops.push(cssColor(rampColor(i / 8, this.isDark)));
    ramp.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
    const ends = make("div", "ramp-ends");
    ends.append(make("span", "", shownNumber(low)), make("span", "", shownNumber(high)));
    const item = make("li");
    item.append(ramp, ends);
    if (missing > 0) item.append(make("p", "ramp-missing", `${counted(missing)} without a number, in grey`));
    this.rows.append(item);
  }
}
