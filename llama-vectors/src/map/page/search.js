// Finds texts that have all words of a query, a few thousand at a time so that the page stays alive.
//
// Case and accents do not matter. "#12" is the row with that number.
function folded(text) {
  const lower = text.toLowerCase();
  return /^[\x00-\x7f]*$/.test(lower) ? lower : lower.normalize("NFKD").replace(/\p{M}+/gu, "");
}

class Search {
  constructor(store, onFound) {
    this.store = store;
    this.onFound = onFound; // (points, isDone)
    this.run = 0;
  }

  stop() {
    this.run++;
  }

  async start(query) {
    const run = ++this.run;
    const { store } = this;
    const number = /^#(\d+)$/.exec(query.trim());
    const words = folded(query).split(/\s+/).filter(Boolean);
    const found = [];
    let point = 0, pause = performance.now();
    while (point < store.count) {
      if (point >= (number ? store.loaded : store.textsLoaded)) {
        this.onFound(found, false);
        await new Promise((resolve) => setTimeout(resolve, 100)); // the texts are still being read
      } else if (performance.now() - pause > 12) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        pause = performance.now();
      } else {
        if (this.fits(point, number, words)) found.push(point);
        point++;
        continue;
      }
      if (run !== this.run) return;
    }
    this.onFound(found, true);
  }

  fits(point, number, words) {
    if (number) return this.store.row[point] === Number(number[1]);
    const text = folded(this.store.text(point));
    return words.every((word) => text.includes(word));
  }
}
