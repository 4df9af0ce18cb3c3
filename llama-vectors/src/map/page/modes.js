// The tools at the corner: zoom, lasso, names of clusters, help.
class Modes {
  constructor(view, pointer, overlay, wake, speak) {
    this.pointer = pointer;
    this.overlay = overlay;
    this.wake = wake;
    this.speak = speak;
    const clicks = {
      "zoom-in": () => view.zoomAt(1.5),
      "zoom-out": () => view.zoomAt(1 / 1.5),
      fit: () => view.fit(),
      lasso: () => this.lasso(),
      labels: () => this.labels(),
      help: () => this.help(),
      "help-close": () => this.help(),
    };
    for (const [id, act] of Object.entries(clicks)) byId(id).addEventListener("click", act);
  }

  lasso() {
    this.pointer.isLasso = !this.pointer.isLasso;
    byId("lasso").setAttribute("aria-pressed", String(this.pointer.isLasso));
    byId("points").classList.toggle("lasso", this.pointer.isLasso);
    this.speak(this.pointer.isLasso ? "Lasso: draw around texts" : "Lasso off");
  }

  labels() {
    this.overlay.showsLabels = !this.overlay.showsLabels;
    byId("labels").setAttribute("aria-pressed", String(this.overlay.showsLabels));
    this.wake();
  }

  help() {
    const help = byId("help-text");
    if (help.open) help.close();
    else help.showModal();
  }
}
