// The text of the point under the mouse.
const kTooltipCharacters = 420;

class Tooltip {
  constructor(element, store, view) {
    this.element = element;
    this.store = store;
    this.view = view;
  }

  show(point, describe) {
    const { element, view, store } = this;
    if (point < 0) return void (element.hidden = true);
    const text = store.text(point);
    const parts = [make("p", "tooltip-text", text === null ? "The text is still being read…" : shortened(text, kTooltipCharacters))];
    parts.push(make("p", "tooltip-about", describe(point)));
    element.replaceChildren(...parts);
    element.hidden = false;
    const [px, py] = view.toScreen(store.x(point), store.y(point));
    const { width, height } = element.getBoundingClientRect();
    const left = px + 16 + width < view.width ? px + 16 : px - 16 - width;
    element.style.left = `${Math.max(8, left)}px`;
    element.style.top = `${Math.max(8, Math.min(view.height - height - 8, py - height / 2))}px`;
  }
}
