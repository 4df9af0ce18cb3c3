// Reads the blocks one after the other while the browser still parses the page, and hands each to `take`.
//
// A block's element is complete when another element follows it or the document has ended. Its text is dropped once
// it is read, so that a large page is not kept twice.
class Loader {
  constructor(take) {
    this.take = take;
    this.loaded = 0;
  }

  nextElement() {
    const element = document.querySelector("script.block");
    if (!element) return null;
    const isComplete = element.nextElementSibling !== null || document.readyState !== "loading";
    return isComplete ? element : null;
  }

  async run() {
    for (;;) {
      const element = this.nextElement();
      if (!element) {
        if (document.readyState !== "loading" && !document.querySelector("script.block")) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
        continue;
      }
      const base64 = element.textContent;
      element.remove();
      this.take(await readBlock(base64.trim()));
      this.loaded++;
      await new Promise((resolve) => setTimeout(resolve, 0)); // lets a frame be drawn between two blocks
    }
  }
}
