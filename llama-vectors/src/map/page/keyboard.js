// The map's keys: some work wherever no text is being typed, the others while the map has focus.
class Keyboard {
  constructor(canvas, view, acts) {
    this.view = view;
    this.acts = acts; // search, lasso, theme, labels, help, escape, chooseMiddle, next(step), neighbour(direction)
    document.addEventListener("keydown", (event) => {
      if (document.querySelector("dialog[open]")) return; // it has keys of its own
      const isTyping = event.target.matches("input, select, textarea") && event.key !== "Escape";
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const act = this.everywhere(event.key) || (event.target === canvas && this.onMap(event.key, event.shiftKey));
      if (!act) return;
      event.preventDefault();
      act();
    });
  }

  everywhere(key) {
    return {
      "/": () => this.acts.search(),
      l: () => this.acts.lasso(),
      d: () => this.acts.theme(),
      t: () => this.acts.labels(),
      "?": () => this.acts.help(),
      "+": () => this.view.zoomAt(1.5),
      "=": () => this.view.zoomAt(1.5),
      "-": () => this.view.zoomAt(1 / 1.5),
      0: () => this.view.fit(),
      n: () => this.acts.next(1),
      p: () => this.acts.next(-1),
      Escape: () => this.acts.escape(),
    }[key];
  }

  onMap(key, isShift) {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (arrows[key]) {
      const [dx, dy] = arrows[key];
      return isShift ? () => this.acts.step(dx, dy) : () => this.view.pan(-60 * dx, 60 * dy);
    }
    return key === "Enter" || key === " " ? () => this.acts.chooseMiddle() : null;
  }
}
