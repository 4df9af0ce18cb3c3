// The part of the map that is seen: its middle, and how many CSS pixels are one unit of the map.
class View {
  constructor(extent, onChange) {
    this.extent = extent; // how far the points reach from the middle, to the right and upwards
    this.x = 0;
    this.y = 0;
    this.scale = 300;
    this.width = 1;
    this.height = 1;
    this.fitScale = 300;
    this.inset = { left: 0, right: 0, top: 0, bottom: 0 }; // what panels cover
    this.onChange = onChange;
    this.flight = 0;
  }

  resize(width, height) {
    const wasFit = Math.abs(this.scale / this.fitScale - 1) < 1e-6 && this.x === this.fitX;
    this.width = width;
    this.height = height;
    this.measureFit();
    if (wasFit) this.fit();
    this.onChange();
  }

  measureFit() {
    const { left, right, top, bottom } = this.inset;
    const [x, y] = this.extent;
    const room = Math.min((this.width - left - right) / x, (this.height - top - bottom) / y);
    this.fitScale = Math.max(60, room) / 2.1;
    this.fitX = -(left - right) / 2 / this.fitScale;
    this.fitY = (top - bottom) / 2 / this.fitScale;
  }

  fit() {
    this.flight++;
    this.measureFit();
    this.x = this.fitX;
    this.y = this.fitY;
    this.scale = this.fitScale;
    this.onChange();
  }

  get zoom() {
    return this.scale / this.fitScale;
  }

  toScreen(x, y) {
    return [(x - this.x) * this.scale + this.width / 2, (this.y - y) * this.scale + this.height / 2];
  }

  toMap(px, py) {
    return [(px - this.width / 2) / this.scale + this.x, this.y - (py - this.height / 2) / this.scale];
  }

  pan(dx, dy) {
    this.flight++;
    this.x = Math.min(2, Math.max(-2, this.x - dx / this.scale));
    this.y = Math.min(2, Math.max(-2, this.y + dy / this.scale));
    this.onChange();
  }

  // The place of the map under (px, py) stays there.
  zoomAt(factor, px = this.width / 2, py = this.height / 2) {
    this.flight++;
    const [x, y] = this.toMap(px, py);
    this.scale = Math.min(400 * this.fitScale, Math.max(0.4 * this.fitScale, this.scale * factor));
    this.x = x - (px - this.width / 2) / this.scale;
    this.y = y + (py - this.height / 2) / this.scale;
    this.onChange();
  }

  // Goes there smoothly, or at once for who wants less motion. Another movement ends it.
  flyTo(x, y, scale = this.scale) {
    const flight = ++this.flight;
    const { left, right, top, bottom } = this.inset;
    const to = { x: x - (left - right) / 2 / scale, y: y + (top - bottom) / 2 / scale, scale };
    const from = { x: this.x, y: this.y, scale: this.scale };
    const duration = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 450;
    const start = performance.now();
    const step = () => {
      if (flight !== this.flight) return;
      const t = duration === 0 ? 1 : Math.min(1, (performance.now() - start) / duration);
      const eased = t * t * (3 - 2 * t);
      this.scale = from.scale * (to.scale / from.scale) ** eased;
      this.x = from.x + (to.x - from.x) * eased;
      this.y = from.y + (to.y - from.y) * eased;
      this.onChange();
      if (t < 1) requestAnimationFrame(step);
    };
    step();
  }
}
