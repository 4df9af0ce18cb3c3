// What the page knows of each point: where it lies, its cluster, its texts and columns, its neighbours.
//
// Points are numbered in the order of the page, which is a random one: the first n points are a fair sample of all.
// Arrays have their full length from the start and are filled by blocks; `loaded` points have a place by now.
class Store {
  constructor(map) {
    this.map = map;
    this.count = map.points;
    this.loaded = 0;
    this.position = new Float32Array(2 * this.count);
    this.row = new Uint32Array(this.count);
    this.cluster = new Uint16Array(this.count);
    this.values = map.columns.map((column) =>
      column.kind === "category" ? new Uint16Array(this.count)
        : column.kind === "number" ? new Float64Array(this.count) : null);
    this.textBlocks = new Map(); // name of a column of texts, "" for the texts themselves -> blocks in order
    this.neighbourBlocks = [];
    this.decoder = new TextDecoder();
  }

  take({ header, arrays }) {
    if (header.kind === "points") {
      for (let i = 0; i < header.count; i++) {
        this.position[2 * (header.start + i)] = arrays.x[i];
        this.position[2 * (header.start + i) + 1] = arrays.y[i];
      }
      this.row.set(arrays.row, header.start);
      this.cluster.set(arrays.cluster, header.start);
      this.values.forEach((values, c) => values && values.set(arrays["column" + c], header.start));
      this.loaded = header.start + header.count;
    } else if (header.kind === "texts") {
      if (!this.textBlocks.has(header.column)) this.textBlocks.set(header.column, []);
      this.textBlocks.get(header.column).push({ start: header.start, count: header.count, ...arrays });
    } else if (header.kind === "neighbours") {
      this.neighbourBlocks.push({ start: header.start, count: header.count, ...arrays });
    }
  }

  blockOf(blocks, point) {
    const block = blocks && blocks[Math.floor(point / this.map.block_points)];
    return block && point < block.start + block.count ? block : null;
  }

  // A text of a column that is kept as texts; null while its block is not there.
  textOf(column, point) {
    const block = this.blockOf(this.textBlocks.get(column), point);
    if (!block) return null;
    const i = point - block.start;
    return this.decoder.decode(block.bytes.subarray(i === 0 ? 0 : block.ends[i - 1], block.ends[i]));
  }

  text(point) {
    return this.textOf("", point);
  }

  // How many texts are there by now.
  get textsLoaded() {
    const blocks = this.textBlocks.get("") || [];
    return blocks.length === 0 ? 0 : blocks[blocks.length - 1].start + blocks[blocks.length - 1].count;
  }

  // The value of a column as it is shown and exported: a string, a number, or null.
  value(c, point) {
    const column = this.map.columns[c];
    if (column.kind === "text") return this.textOf(column.name, point);
    const value = this.values[c][point];
    if (column.kind === "number") return Number.isNaN(value) ? null : value;
    return column.categories[value] ?? null;
  }

  // The nearest points by the vectors themselves, most similar first: [{ point, similarity }].
  neighbours(point) {
    const block = this.blockOf(this.neighbourBlocks, point);
    if (!block) return [];
    const k = this.map.neighbours;
    const result = [];
    for (let j = (point - block.start) * k; j < (point - block.start + 1) * k; j++) {
      if (block.point[j] < this.count) result.push({ point: block.point[j], similarity: block.similarity[j] / 32767 - 1 });
    }
    return result;
  }

  x(point) {
    return this.position[2 * point];
  }

  y(point) {
    return this.position[2 * point + 1];
  }
}
