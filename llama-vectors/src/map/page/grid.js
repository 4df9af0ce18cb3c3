// Finds points near a place: square cells, each with its points in one array (a counting sort).
//
// Cost: building is two passes over the points; it is done again each time their number has grown by a half.
class Grid {
  constructor(store) {
    this.store = store;
    this.size = 0; // points in it
  }

  refresh() {
    const { store } = this;
    if (store.loaded === this.size || (store.loaded < store.count && store.loaded < 1.5 * this.size)) return;
    this.size = store.loaded;
    this.cells = Math.max(1, Math.min(1024, Math.ceil(Math.sqrt(this.size / 2))));
    this.starts = new Uint32Array(this.cells * this.cells + 1);
    const cellOf = new Uint32Array(this.size);
    for (let i = 0; i < this.size; i++) {
      cellOf[i] = this.column(store.y(i)) * this.cells + this.column(store.x(i));
      this.starts[cellOf[i] + 1]++;
    }
    for (let c = 0; c < this.cells * this.cells; c++) this.starts[c + 1] += this.starts[c];
    const next = this.starts.slice();
    this.points = new Uint32Array(this.size);
    for (let i = 0; i < this.size; i++) this.points[next[cellOf[i]]++] = i;
  }

  column(coordinate) {
    return Math.min(this.cells - 1, Math.max(0, Math.floor(((coordinate + 1) / 2) * this.cells)));
  }

  // Calls visit(point) for each point within the rectangle.
  within(x0, y0, x1, y1, visit) {
    this.refresh();
    if (this.size === 0) return;
    const { store } = this;
    for (let row = this.column(y0); row <= this.column(y1); row++) {
      const begin = this.starts[row * this.cells + this.column(x0)];
      const end = this.starts[row * this.cells + this.column(x1) + 1];
      for (let k = begin; k < end; k++) {
        const point = this.points[k];
        const x = store.x(point), y = store.y(point);
        if (x >= x0 && x <= x1 && y >= y0 && y <= y1) visit(point);
      }
    }
  }

  // The nearest point that `accepts` takes, at most `radius` away; -1 if there is none.
  nearest(x, y, radius, accepts) {
    let best = -1, bestDistance = radius * radius;
    this.within(x - radius, y - radius, x + radius, y + radius, (point) => {
      const distance = (this.store.x(point) - x) ** 2 + (this.store.y(point) - y) ** 2;
      if (distance <= bestDistance && accepts(point)) [best, bestDistance] = [point, distance];
    });
    return best;
  }

  // The points within a polygon of [x, y] (even-odd), in the order of the page.
  inPolygon(polygon, accepts) {
    const xs = polygon.map((p) => p[0]), ys = polygon.map((p) => p[1]);
    const result = [];
    this.within(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys), (point) => {
      const x = this.store.x(point), y = this.store.y(point);
      let isInside = false;
      for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
        if (ys[i] > y !== ys[j] > y && x < ((xs[j] - xs[i]) * (y - ys[i])) / (ys[j] - ys[i]) + xs[i]) isInside = !isInside;
      }
      if (isInside && accepts(point)) result.push(point);
    });
    return result.sort((a, b) => this.store.row[a] - this.store.row[b]);
  }
}
