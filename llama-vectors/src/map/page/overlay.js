// Draws what lies over the points: the clusters' names, rings, lines to neighbours, the lasso.
class Overlay {
  constructor(canvas, store, view) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.store = store;
    this.view = view;
    this.hover = -1;
    this.selected = -1;
    this.neighbours = [];
    this.lasso = null; // [px, py] while it is drawn
    this.showsLabels = true;
    this.isLabelShown = () => true;
  }

  resize(width, height) {
    const ratio = Math.min(2, devicePixelRatio || 1);
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  paint(colors, radius) {
    const { context, view } = this;
    context.clearRect(0, 0, view.width, view.height);
    if (this.showsLabels) this.paintLabels(colors);
    if (this.selected >= 0) this.paintLines(colors);
    if (this.hover >= 0 && this.hover !== this.selected) this.ring(this.hover, radius + 3, colors.text, 1.5);
    if (this.selected >= 0) this.ring(this.selected, radius + 4, colors.accent, 2.5);
    if (this.lasso) this.paintLasso(colors);
  }

  ring(point, radius, color, width) {
    const { context } = this;
    const [px, py] = this.view.toScreen(this.store.x(point), this.store.y(point));
    context.beginPath();
    context.arc(px, py, radius, 0, 2 * Math.PI);
    context.lineWidth = width;
    context.strokeStyle = color;
    context.stroke();
  }

  paintLines(colors) {
    const { context, view, store } = this;
    const [px, py] = view.toScreen(store.x(this.selected), store.y(this.selected));
    context.lineWidth = 1.2;
    context.strokeStyle = colors.accent;
    for (const { point } of this.neighbours) {
      const [qx, qy] = view.toScreen(store.x(point), store.y(point));
      context.globalAlpha = 0.55;
      context.beginPath();
      context.moveTo(px, py);
      context.lineTo(qx, qy);
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  paintLasso(colors) {
    const { context } = this;
    context.beginPath();
    this.lasso.forEach(([px, py], i) => (i === 0 ? context.moveTo(px, py) : context.lineTo(px, py)));
    context.closePath();
    context.globalAlpha = 0.12;
    context.fillStyle = colors.accent;
    context.fill();
    context.globalAlpha = 1;
    context.setLineDash([5, 4]);
    context.lineWidth = 1.5;
    context.strokeStyle = colors.accent;
    context.stroke();
    context.setLineDash([]);
  }

  // The largest clusters first, each where its name meets no other one; parts of clusters as one comes closer.
  paintLabels(colors) {
    const { context, view } = this;
    const placed = [];
    const largest = Math.max(1, ...this.store.map.clusters.map((cluster) => cluster.count));
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    for (const label of this.store.map.labels) {
      if (label.words.length === 0 || !this.isLabelShown(label)) continue;
      if (label.level > 0 && label.radius * view.scale < 70) continue;
      const place = view.toScreen(label.x, label.y);
      if (place[0] < 0 || place[1] < 0 || place[0] > view.width || place[1] > view.height) continue;
      const size = label.level > 0 ? 12 : 12 + 5 * Math.sqrt(Math.min(1, label.count / largest));
      context.font = `${label.level > 0 ? 500 : 650} ${size.toFixed(1)}px system-ui, sans-serif`;
      const lines = this.lines(label.words);
      const width = Math.max(...lines.map((line) => context.measureText(line).width));
      const height = 1.2 * size * lines.length;
      const px = Math.min(view.width - width / 2 - 6, Math.max(width / 2 + 6, place[0])); // whole at the window's edge
      const py = Math.min(view.height - height / 2 - 6, Math.max(height / 2 + 6, place[1]));
      const box = [px - width / 2 - 5, py - height / 2 - 3, px + width / 2 + 5, py + height / 2 + 3];
      if (placed.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) continue;
      placed.push(box);
      lines.forEach((line, i) => {
        const y = py + (i - (lines.length - 1) / 2) * 1.2 * size;
        context.lineWidth = 3.5;
        context.strokeStyle = colors.halo;
        context.strokeText(line, px, y);
        context.fillStyle = label.level > 0 ? colors.faint : colors.text;
        context.fillText(line, px, y);
      });
    }
    this.labelCount = placed.length;
  }

  // Three words, in two lines where they are long.
  lines(words) {
    const shown = words.slice(0, 3);
    const whole = shown.join(" · ");
    return whole.length <= 18 || shown.length === 1 ? [whole] : [shown.slice(0, 2).join(" · "), ...shown.slice(2)];
  }
}
