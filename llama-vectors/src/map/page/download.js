// Saves points as a file: their rows of the table, their places on the map, their clusters.
function csvField(value) {
  const text = value === null ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

class Download {
  constructor(store) {
    this.store = store;
  }

  fields() {
    const { store } = this;
    const taken = new Set(store.map.columns.map((column) => column.name).concat(store.map.text_column));
    const fields = [
      [taken.has("row") ? "map_row" : "row", (point) => store.row[point]],
      [store.map.text_column, (point) => store.text(point)],
      ...store.map.columns.map((column, c) => [column.name, (point) => store.value(c, point)]),
      ["map_x", (point) => store.x(point)],
      ["map_y", (point) => store.y(point)],
      ["map_cluster", (point) => (store.cluster[point] === 0 ? null : store.map.clusters[store.cluster[point] - 1].words.join(" "))],
    ];
    return fields;
  }

  csv(points) {
    const fields = this.fields();
    const lines = [fields.map(([name]) => csvField(name)).join(",")];
    for (const point of points) lines.push(fields.map(([, value]) => csvField(value(point))).join(","));
    return lines.join("\r\n") + "\r\n";
  }

  json(points) {
    const fields = this.fields();
    const rows = points.map((point) => JSON.stringify(Object.fromEntries(fields.map(([name, value]) => [name, value(point)]))));
    return `[${rows.join(",\n")}]\n`;
  }

  save(points, kind) {
    const text = kind === "csv" ? this.csv(points) : this.json(points);
    const link = make("a", "", null, { download: `${this.store.map.title.replace(/[^\p{L}\p{N}._-]+/gu, "-")}-rows.${kind}` });
    link.href = URL.createObjectURL(new Blob([text], { type: kind === "csv" ? "text/csv" : "application/json" }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
}
