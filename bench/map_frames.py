"""How many frames a second a map's page draws while it is dragged: bench/map_frames.py PAGE [SECONDS]

In Debian's Chromium without a window, whose WebGL is computed by the processor (SwiftShader): a graphics card is
faster. Run by `script/enter --section browser python3`. For a page of 100,000 points, bench/map_frames.py --make FOLDER
writes the table (random groups, 32 dimensions) that `llama-cli map` makes it of.
"""

import json
import pathlib
import sys

SIZE = 1400, 900
# Drags the map by real pointer events, one for each frame, and counts the frames and the longest one.
DRAG = """
const done = arguments[arguments.length - 1], seconds = arguments[0];
const map = document.getElementById("map"), box = map.getBoundingClientRect();
const at = (type, x, y) => {
  const options = { bubbles: true, pointerId: 1, isPrimary: true, button: 0, buttons: type === "pointerup" ? 0 : 1,
    clientX: x, clientY: y, pointerType: "mouse" };
  (document.elementFromPoint(x, y) || map).dispatchEvent(new PointerEvent(type, options));
};
Element.prototype.setPointerCapture = () => {}; // there is no such pointer
const middle = [box.left + box.width / 2, box.top + box.height / 2];
at("pointerdown", ...middle);
const began = performance.now();
let frames = 0, last = began, longest = 0;
const step = (now) => {
  longest = Math.max(longest, now - last);
  last = now;
  frames++;
  const angle = frames / 15;
  at("pointermove", middle[0] + 150 * Math.sin(angle), middle[1] + 100 * Math.sin(2 * angle));
  if (now - began < seconds * 1000) return requestAnimationFrame(step);
  at("pointerup", ...middle);
  done({ frames, seconds: (now - began) / 1000, longest });
};
requestAnimationFrame(step);
"""


def make(folder):
    import numpy
    import pyarrow
    import pyarrow.parquet

    random = numpy.random.default_rng(5)
    rows, groups = 100_000, 40
    group = random.integers(groups, size=rows)
    vectors = (random.normal(size=(groups, 32))[group] + 0.35 * random.normal(size=(rows, 32))).astype(numpy.float32)
    column = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.reshape(-1)), 32)
    table = pyarrow.table(
        {"text": [f"a text of group {g}, number {i}" for i, g in enumerate(group)], "embedding": column}
    )
    pyarrow.parquet.write_table(table, pathlib.Path(folder) / "points.parquet")


def measure(page, seconds):
    from selenium.webdriver.support.ui import WebDriverWait

    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "testing"))
    from chromium import start_chromium

    driver = start_chromium(SIZE)
    driver.set_script_timeout(60 + 2 * seconds)
    try:
        driver.get(pathlib.Path(page).resolve().as_uri())
        WebDriverWait(driver, 120).until(
            lambda _: driver.execute_script("return document.documentElement.dataset.loaded") == "whole"
        )
        for _ in range(3):
            run = driver.execute_async_script(DRAG, seconds)
            print(
                json.dumps(
                    {
                        "frames_per_second": round(run["frames"] / run["seconds"], 1),
                        "longest_ms": round(run["longest"], 1),
                    }
                )
            )
    finally:
        driver.quit()


if __name__ == "__main__":
    if sys.argv[1] == "--make":
        make(sys.argv[2])
    else:
        measure(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 5)
