// Puts the page together: the map, its store, and what each act of the reader changes.
class App {
  constructor(map) {
    this.map = map;
    this.store = new Store(map);
    this.grid = new Grid(this.store);
    this.view = new View(map.extent, () => this.moved());
    this.painter = new Painter(byId("points"), this.store, this.view);
    this.overlay = new Overlay(byId("overlay"), this.store, this.view);
    this.overlay.isLabelShown = (label) => !(this.coloring.by < 0 && this.coloring.hidden.has(label.cluster + 1));
    this.tooltip = new Tooltip(byId("tooltip"), this.store, this.view);
    this.download = new Download(this.store);
    this.panel = new Panel(this.store, {
      choose: (point) => this.choose(point, true),
      preview: (point) => this.preview(point),
      save: (points, kind) => this.save(points, kind),
      close: () => this.escape(),
      clusterName: (point) => this.clusterName(point),
    });
    this.search = new Search(this.store, (points, isDone) => this.found(points, isDone));
    this.legend = new Legend(this.store, {
      colorBy: (by) => this.colorBy(by),
      toggled: () => this.repaint(),
      emphasize: (code) => this.emphasize(code),
    });
    this.set = null; // { title, points, words }: what was found or selected
    this.selected = -1;
    this.lastMove = 0;
    this.frameTime = 0;
    document.title = map.title;
    byId("title").textContent = map.title;
    byId("about").textContent = map.about;
    byId("points").setAttribute("aria-label", `Map of ${counted(map.points)} texts in ${map.clusters.length} clusters`);
    byId("no-webgl").hidden = this.painter.gl !== null;
    this.coloring = new Coloring(this.store, map.color_by);
    this.theme = new Theme(() => this.recolor());
    this.recolor();
    this.listen();
    this.resize();
    this.view.fit();
    this.frame = this.frame.bind(this);
    this.isAwake = false;
    this.wake();
  }

  listen() {
    this.pointer = new Pointer(byId("points"), this.view, {
      hover: (px, py) => this.hover(this.pointAt(px, py)),
      leave: () => this.hover(-1),
      choose: (px, py) => this.chooseAt(px, py),
      lassoPath: (path) => this.drawLasso(path),
      lassoEnd: (path) => this.lassoed(path),
    });
    new Keyboard(byId("points"), this.view, {
      search: () => byId("query").focus(),
      lasso: () => this.modes.lasso(),
      theme: () => this.theme.toggle(),
      labels: () => this.modes.labels(),
      help: () => this.modes.help(),
      escape: () => this.escape(),
      chooseMiddle: () => this.chooseAt(this.view.width / 2, this.view.height / 2, Infinity),
      next: (step) => this.next(step),
      step: (dx, dy) => this.step(dx, dy),
    });
    new ResizeObserver(() => this.resize()).observe(byId("map"));
    this.modes = new Modes(this.view, this.pointer, this.overlay, () => this.wake(), (text) => this.speak(text));
    let timer = 0;
    byId("query").addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.ask(byId("query").value), 180);
    });
    byId("search").addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask(byId("query").value);
    });
  }

  // Frames are only asked for while something changes.
  wake() {
    if (this.isAwake) return;
    this.isAwake = true;
    this.frameTime = 0;
    requestAnimationFrame(() => requestAnimationFrame(this.frame));
  }

  frame(now) {
    const isMoving = performance.now() - this.lastMove < 150;
    if (isMoving && this.frameTime > 0) this.painter.adapt(now - this.frameTime);
    this.frameTime = now;
    this.painter.paint();
    this.overlay.paint(this.theme.colors, this.painter.pointSize / 2);
    this.isAwake = isMoving || !this.painter.isComplete;
    if (this.isAwake) requestAnimationFrame(this.frame);
  }

  moved() {
    this.lastMove = performance.now();
    this.painter?.restart();
    if (this.tooltip && !byId("tooltip").hidden) this.hover(-1);
    this.wake();
  }

  resize() {
    const { clientWidth, clientHeight } = byId("map");
    this.painter.resize(clientWidth, clientHeight);
    this.overlay.resize(clientWidth, clientHeight);
    const isWide = clientWidth > 820;
    this.view.inset = isWide ? { left: 330, right: 270, top: 12, bottom: 12 } : { left: 8, right: 8, top: 110, bottom: 60 };
    this.view.resize(clientWidth, clientHeight);
  }

  take(block) {
    this.store.take(block);
    if (block.header.kind === "points") {
      this.coloring.fill();
      this.painter.upload(this.coloring);
      this.wake();
    }
    const isWhole = block.header.kind === "end";
    byId("progress").hidden = isWhole;
    if (isWhole) this.refresh();
    document.documentElement.dataset.loaded = isWhole ? "whole" : "partly";
  }

  clusterName(point) {
    const cluster = this.store.cluster[point];
    return cluster === 0 ? "no cluster" : this.map.clusters[cluster - 1].words.slice(0, 3).join(", ") || "unnamed cluster";
  }

  describe(point) {
    const parts = [`row ${this.store.row[point]}`, this.clusterName(point)];
    if (this.coloring.by >= 0) {
      const value = this.store.value(this.coloring.by, point);
      parts.push(`${this.coloring.title}: ${typeof value === "number" ? shownNumber(value) : value ?? "none"}`);
    }
    return parts.join(" · ");
  }

  pointAt(px, py, radius = 9) {
    const pixels = Math.min(radius, 5000) + this.painter.pointSize / 2;
    const [x, y] = this.view.toMap(px, py);
    return this.grid.nearest(x, y, pixels / this.view.scale, (point) => this.coloring.isShown(point));
  }

  hover(point) {
    if (point === this.overlay.hover && point < 0) return;
    this.overlay.hover = point;
    byId("points").classList.toggle("over-point", point >= 0);
    this.tooltip.show(point, (p) => this.describe(p));
    this.wake();
  }

  preview(point) {
    this.overlay.hover = point;
    this.wake();
  }

  chooseAt(px, py, radius = 9) {
    const point = this.pointAt(px, py, radius);
    if (point >= 0) this.choose(point, false);
    else if (this.selected >= 0) this.escape();
  }

  choose(point, isFar) {
    this.selected = point;
    this.hover(-1);
    const { store, view } = this;
    this.overlay.selected = point;
    this.overlay.neighbours = store.neighbours(point);
    if (isFar) view.flyTo(store.x(point), store.y(point), Math.max(view.scale, 3 * view.fitScale));
    this.refresh();
    this.speak(`Row ${store.row[point]}, ${this.clusterName(point)}: ${shortened(store.text(point) ?? "", 200)}`);
  }

  // What stands out on the map, and the list, as the state says.
  refresh() {
    if (this.selected >= 0) {
      this.overlay.neighbours = this.store.neighbours(this.selected);
      this.panel.showPoint(this.selected);
      this.painter.mark(this.panel.points);
    } else if (this.set) {
      this.panel.showList(this.set.title, this.set.points, this.set.words);
      this.painter.mark(this.set.points);
    } else {
      this.panel.clear();
      this.painter.mark([]);
    }
    this.wake();
  }

  emphasize(code) {
    if (this.selected >= 0 || this.set) return;
    const points = [];
    for (let i = 0; code !== null && i < this.store.loaded; i++) if (this.coloring.codes[i] === code) points.push(i);
    this.painter.mark(points);
    this.wake();
  }

  ask(query) {
    this.search.stop();
    this.selected = this.overlay.selected = -1;
    this.set = null;
    this.refresh();
    if (query.trim() !== "") this.search.start(query);
  }

  found(points, isDone) {
    const shown = points.filter((point) => this.coloring.isShown(point));
    const title = `${counted(shown.length)} of ${counted(this.store.count)} texts${isDone ? "" : ", still looking…"}`;
    this.set = { title, points: shown, words: byId("query").value.toLowerCase().split(/\s+/).filter(Boolean) };
    if (this.selected < 0) this.refresh();
    if (isDone) this.speak(`${title} found`);
  }

  drawLasso(path) {
    this.overlay.lasso = path;
    this.hover(-1);
    this.wake();
  }

  lassoed(path) {
    this.search.stop();
    const polygon = path.map(([px, py]) => this.view.toMap(px, py));
    const points = this.grid.inPolygon(polygon, (point) => this.coloring.isShown(point));
    this.selected = this.overlay.selected = -1;
    this.set = points.length === 0 ? null : { title: `${counted(points.length)} selected`, points, words: [] };
    this.refresh();
    this.speak(`${counted(points.length)} texts selected`);
  }

  // Those that stand out, one after the other.
  next(step) {
    const points = this.set ? this.set.points : [];
    if (points.length === 0) return;
    const at = points.indexOf(this.selected);
    this.choose(points[at < 0 ? 0 : (at + step + points.length) % points.length], true);
  }

  // The nearest point in a direction from the chosen one.
  step(dx, dy) {
    if (this.selected < 0) return this.chooseAt(this.view.width / 2, this.view.height / 2, Infinity);
    const { store } = this;
    const x = store.x(this.selected), y = store.y(this.selected);
    let best = -1, bestCost = Infinity;
    this.grid.within(x - 0.3, y - 0.3, x + 0.3, y + 0.3, (point) => {
      const along = (store.x(point) - x) * dx + (store.y(point) - y) * dy;
      const across = Math.abs((store.x(point) - x) * dy) + Math.abs((store.y(point) - y) * dx);
      if (along <= across || !this.coloring.isShown(point) || along + 2 * across >= bestCost) return;
      [best, bestCost] = [point, along + 2 * across];
    });
    if (best < 0) return;
    this.choose(best, false);
    this.view.flyTo(store.x(best), store.y(best));
  }

  colorBy(by) {
    this.coloring = new Coloring(this.store, by);
    this.recolor();
  }

  recolor() {
    if (!this.theme) return;
    this.legend.show(this.coloring, this.theme.isDark);
    this.repaint();
  }

  repaint() {
    this.painter.recolor(this.coloring, this.theme.isDark);
    this.wake();
  }

  save(points, kind) {
    this.download.save(points, kind);
    this.speak(`${counted(points.length)} rows saved as ${kind.toUpperCase()}`);
  }

  escape() {
    if (this.selected >= 0) {
      this.selected = this.overlay.selected = -1;
    } else if (this.set) {
      this.search.stop();
      this.set = null;
      byId("query").value = "";
    } else if (this.pointer.isLasso) {
      this.modes.lasso();
    }
    this.refresh();
  }

  speak(text) {
    byId("spoken").textContent = text;
  }
}

let app = null;
new Loader((block) => {
  if (block.header.kind === "map") app = new App(block.header);
  else app.take(block);
}).run();
