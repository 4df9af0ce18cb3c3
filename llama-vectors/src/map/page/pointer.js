// The mouse, the pen and fingers over the map: drag to move, wheel or two fingers to zoom, click to choose, lasso.
class Pointer {
  constructor(canvas, view, acts) {
    this.canvas = canvas;
    this.view = view;
    this.acts = acts; // hover(px, py), leave(), choose(px, py), lassoPath(path), lassoEnd(path)
    this.isLasso = false;
    this.pointers = new Map();
    this.path = null;
    this.moved = 0;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", (event) => this.cancel(event));
    canvas.addEventListener("pointerleave", () => this.acts.leave());
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("dblclick", (event) => view.zoomAt(2, ...this.place(event)));
  }

  place(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  down(event) {
    if (event.button > 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.place(event));
    this.moved = 0;
    if (this.pointers.size === 1 && (this.isLasso || event.shiftKey)) this.path = [this.place(event)];
    else if (this.path) this.dropLasso();
  }

  move(event) {
    const at = this.place(event);
    const before = this.pointers.get(event.pointerId);
    if (!before) return void this.acts.hover(...at);
    const dx = at[0] - before[0], dy = at[1] - before[1];
    this.moved += Math.abs(dx) + Math.abs(dy);
    if (this.path) {
      if (Math.abs(dx) + Math.abs(dy) < 2) return;
      this.pointers.set(event.pointerId, at);
      this.path.push(at);
      return void this.acts.lassoPath(this.path);
    }
    if (this.pointers.size === 2) this.pinch(event.pointerId, before, at);
    else if (this.moved > 3) this.view.pan(dx, dy);
    this.pointers.set(event.pointerId, at);
  }

  pinch(id, before, at) {
    const [, other] = [...this.pointers].find(([key]) => key !== id);
    const distance = ([px, py]) => Math.max(1, Math.hypot(px - other[0], py - other[1]));
    this.view.pan((at[0] - before[0]) / 2, (at[1] - before[1]) / 2);
    this.view.zoomAt(distance(at) / distance(before), (at[0] + other[0]) / 2, (at[1] + other[1]) / 2);
  }

  up(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    if (this.path) {
      const path = this.path;
      this.dropLasso();
      if (path.length > 2) return void this.acts.lassoEnd(path);
    }
    if (this.moved <= 3 && this.pointers.size === 0) this.acts.choose(...this.place(event));
  }

  cancel(event) {
    this.pointers.delete(event.pointerId);
    if (this.path) this.dropLasso();
  }

  dropLasso() {
    this.path = null;
    this.acts.lassoPath(null);
  }

  wheel(event) {
    event.preventDefault();
    const pixels = event.deltaY * [1, 16, 400][event.deltaMode];
    this.view.zoomAt(Math.exp(-Math.max(-300, Math.min(300, pixels)) * (event.ctrlKey ? 0.01 : 0.0022)), ...this.place(event));
  }
}
