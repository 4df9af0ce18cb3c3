// Light or dark: as the system says, until it is switched here.
class Theme {
  constructor(onChange) {
    this.system = matchMedia("(prefers-color-scheme: dark)");
    this.chosen = null;
    this.onChange = onChange;
    this.system.addEventListener("change", () => this.apply());
    byId("theme").addEventListener("click", () => this.toggle());
    this.apply();
  }

  get isDark() {
    return this.chosen === null ? this.system.matches : this.chosen === "dark";
  }

  toggle() {
    this.chosen = this.isDark ? "light" : "dark";
    this.apply();
  }

  apply() {
    document.documentElement.dataset.theme = this.isDark ? "dark" : "light";
    byId("theme").setAttribute("aria-pressed", String(this.isDark));
    const style = getComputedStyle(document.documentElement);
    this.colors = Object.fromEntries(["text", "faint", "halo", "accent"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    this.onChange();
  }
}
