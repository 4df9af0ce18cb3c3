// What a point's colour means: its cluster, the category of a column, or a number.
//
// `codes` has a number for each point, `entries` one row of the legend for each code: { name, color, count, code }.
const kShownCategories = 36;
const kRampSteps = 256;

class Coloring {
  constructor(store, by) {
    this.store = store;
    this.by = by; // -1: the clusters; else a column's number
    this.codes = new Uint16Array(store.count);
    this.hidden = new Set();
    this.filled = 0;
    const column = store.map.columns[by];
    this.isNumber = by >= 0 && column.kind === "number";
    if (by < 0) {
      const places = store.map.clusters.map((cluster) => [cluster.x, cluster.y]);
      this.hues = spreadColors(places, Math.min(24, Math.max(1, places.length)));
      this.names = ["no cluster", ...store.map.clusters.map((cluster) => cluster.words.join(", ") || "unnamed")];
      this.counts = [store.map.unclustered, ...store.map.clusters.map((cluster) => cluster.count)];
      this.order = [...this.names.keys()].slice(1).concat(store.map.unclustered > 0 ? [0] : []);
    } else if (!this.isNumber) {
      this.names = column.categories.map((name) => name ?? "no value");
      this.counts = column.counts;
      this.order = [...this.names.keys()].sort((a, b) => this.counts[b] - this.counts[a]);
      this.rank = new Map(this.order.map((code, i) => [code, i]));
    }
    this.fill();
  }

  get title() {
    return this.by < 0 ? "Clusters" : this.store.map.columns[this.by].name;
  }

  // Codes of the points that came since.
  fill() {
    const { store } = this;
    if (this.by < 0) {
      this.codes.set(store.cluster.subarray(this.filled, store.loaded), this.filled);
    } else if (this.isNumber) {
      const { low, high } = store.map.columns[this.by];
      const scale = high > low ? (kRampSteps - 1) / (high - low) : 0;
      for (let i = this.filled; i < store.loaded; i++) {
        const value = store.values[this.by][i];
        const step = Math.min(kRampSteps - 1, Math.max(0, Math.round((value - low) * scale)));
        this.codes[i] = Number.isNaN(value) ? kRampSteps : step;
      }
    } else {
      this.codes.set(store.values[this.by].subarray(this.filled, store.loaded), this.filled);
    }
    this.filled = store.loaded;
  }

  get size() {
    return this.isNumber ? kRampSteps + 1 : this.names.length;
  }

  color(code, isDark) {
    if (this.isNumber) return code === kRampSteps ? otherColor(isDark) : rampColor(code / (kRampSteps - 1), isDark);
    if (this.by < 0) return code === 0 ? otherColor(isDark) : categoryColor(this.hues[code - 1], isDark);
    const rank = this.rank.get(code);
    const isOther = rank >= kShownCategories || this.store.map.columns[this.by].categories[code] === null;
    return isOther ? otherColor(isDark) : categoryColor(rank, isDark);
  }

  isShown(point) {
    return !this.hidden.has(this.codes[point]);
  }

  // Four bytes for each code: what the points' texture holds.
  texture(isDark) {
    const bytes = new Uint8Array(4 * this.size);
    for (let code = 0; code < this.size; code++) {
      bytes.set([...this.color(code, isDark), this.hidden.has(code) ? 0 : 255], 4 * code);
    }
    return bytes;
  }
}
