"""A page of `llama-cli map` in Chromium (script/map-browser): what it shows is what the table has."""

import base64
import csv
import io
import json
import os
import pathlib
import re
import time

import map_page
import numpy
import pytest
from chromium import start_chromium
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

FOLDER = pathlib.Path(os.environ["MAP_FOLDER"])
SIZE = (1400, 900)
LEFT, RIGHT = 330, 270  # what the panels cover (app.js)
PIXELS = """
const gl = document.getElementById("points").getContext("webgl2");
const pixels = new Uint8Array(4 * gl.drawingBufferWidth * gl.drawingBufferHeight);
gl.readPixels(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
let drawn = 0, red = 0, blue = 0;
for (let i = 0; i < pixels.length; i += 4) {
  if (pixels[i + 3] === 0) continue;
  drawn++; red += pixels[i]; blue += pixels[i + 2];
}
return [drawn, red, blue];
"""
# A file that is saved goes into window.saved instead.
CATCH_FILES = """
window.saved = [];
URL.createObjectURL = (blob) => { blob.text().then((text) => window.saved.push(text)); return "about:blank"; };
HTMLAnchorElement.prototype.click = function () { window.savedName = this.download; };
"""


class Browser:
    def __init__(self, driver, page):
        self.driver, self.page = driver, page

    def id(self, name):
        return self.driver.find_element(By.ID, name)

    def wait(self, condition, seconds=60):
        return WebDriverWait(self.driver, seconds, poll_frequency=0.05).until(lambda _: condition())

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def open(self):
        self.driver.get((FOLDER / "map.html").as_uri())
        self.wait(lambda: self.run("return document.documentElement.dataset.loaded") == "whole")
        self.run(CATCH_FILES)
        self.settle()

    def settle(self):
        """Until the picture stays as it is."""
        before = None
        for _ in range(100):
            now = self.run(PIXELS)
            if now == before:
                return now
            before = now
            time.sleep(0.3)
        raise AssertionError("the picture never rests")

    def middle(self):
        """Of the part of the map that no panel covers."""
        box = self.run("const r = document.getElementById('map').getBoundingClientRect(); return [r.width, r.height]")
        return box[0] / 2 + (LEFT - RIGHT) / 2, box[1] / 2

    def move(self, x, y):
        """The mouse, in the window."""
        action = ActionChains(self.driver, duration=0)
        action.w3c_actions.pointer_action.move_to_location(int(x), int(y))
        action.perform()

    def lasso(self, corners):
        action = ActionChains(self.driver, duration=20).key_down(Keys.SHIFT)
        pointer = action.w3c_actions.pointer_action
        pointer.move_to_location(*map(int, corners[0]))
        pointer.pointer_down()
        for corner in corners[1:]:
            pointer.move_to_location(*map(int, corner))
        pointer.pointer_up()
        action.perform()
        ActionChains(self.driver).key_up(Keys.SHIFT).perform()

    def search(self, words):
        self.id("query").clear()
        self.id("query").send_keys(words)
        self.id("query").send_keys(Keys.ENTER)
        pattern = re.compile(r"^([\d,]+) of [\d,]+ texts$")
        self.wait(lambda: pattern.match(self.id("status").text))
        time.sleep(0.4)  # the pause after the last key asks again
        self.wait(lambda: pattern.match(self.id("status").text))
        return int(pattern.match(self.id("status").text)[1].replace(",", ""))

    def listed(self):
        return [e.get_attribute("textContent") for e in self.driver.find_elements(By.CSS_SELECTOR, ".row .row-text")]

    def choose_row(self, row):
        assert self.search(f"#{row}") == 1
        self.driver.find_element(By.CSS_SELECTOR, "#results .row").click()
        self.settle()

    def picture(self, name):
        self.driver.save_screenshot(str(FOLDER / f"{name}.png"))


@pytest.fixture(scope="module")
def chromium():
    driver = start_chromium(SIZE, {"goog:loggingPrefs": {"browser": "ALL"}})
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def page():
    return map_page.Page(FOLDER / "map.html")


@pytest.fixture
def browser(chromium, page):
    browser = Browser(chromium, page)
    browser.open()
    yield browser
    severe = [entry["message"] for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"]
    assert severe == []
    assert browser.run("return window.hacked") is None
    assert browser.run("return performance.getEntriesByType('resource').length") == 0


def test_the_points_are_drawn(browser):
    drawn, _, _ = browser.settle()
    assert drawn > 4 * len(browser.page.rows)
    browser.picture("light")


def test_a_point_shows_its_text_under_the_mouse(browser):
    for row in (0, 77):
        browser.choose_row(row)
        browser.move(*browser.middle())
        browser.move(browser.middle()[0] + 1, browser.middle()[1])
        browser.wait(lambda: browser.id("tooltip").is_displayed())
        text = browser.driver.find_element(By.CSS_SELECTOR, ".tooltip-text").get_attribute("textContent")
        assert text == browser.page.texts[row]
    browser.picture("hover")


@pytest.mark.parametrize("words", ["galaxy", "GALAXY comet", "brot", "図書館", "number 7", "nothing has this"])
def test_search_finds_the_texts_that_have_all_words(browser, words):
    expected = sum(all(word in text.lower() for word in words.lower().split()) for text in browser.page.texts)
    assert browser.search(words) == expected
    assert len(browser.listed()) == min(expected, 100)


def test_search_marks_on_the_map_and_escape_ends_it(browser):
    before = browser.settle()
    browser.search("galaxy")
    marked = browser.settle()
    browser.picture("search")
    assert marked != before
    browser.id("points").send_keys(Keys.ESCAPE)
    assert browser.settle() == before
    assert browser.id("query").get_attribute("value") == ""


def test_the_nearest_texts_are_those_of_the_vectors(browser):
    browser.choose_row(123)
    rows = [
        int(re.search(r"row (\d+)", e.get_attribute("textContent"))[1])
        for e in browser.driver.find_elements(By.CSS_SELECTOR, ".row-about")
    ]
    assert rows == list(browser.page.near[123])
    shown = [float(e.text) for e in browser.driver.find_elements(By.CLASS_NAME, "similarity")]
    assert numpy.allclose(shown, browser.page.similarities[123], atol=0.0051)
    facts = [e.text for e in browser.driver.find_elements(By.CSS_SELECTOR, ".facts dd")]
    assert facts == ["<i>gardening</i>", "30.75", 'note, "123" second line']


def test_colours_are_those_of_a_column(browser):
    clusters = browser.settle()
    Select(browser.id("color-by")).select_by_visible_text("topic")
    assert browser.settle() != clusters
    shown = {
        e.find_element(By.CLASS_NAME, "legend-name").text: int(e.find_element(By.CLASS_NAME, "legend-count").text)
        for e in browser.driver.find_elements(By.CSS_SELECTOR, "#legend-rows li")
    }
    topics = browser.page.columns["topic"]
    assert shown == {topic or "no value": topics.count(topic) for topic in set(topics)}
    browser.picture("topics")
    Select(browser.id("color-by")).select_by_visible_text("size")
    browser.settle()
    assert browser.driver.find_element(By.CSS_SELECTOR, ".ramp-ends").text.split() == ["0", "299.75"]
    browser.picture("numbers")


def test_the_legend_hides_points_from_the_map_and_from_search(browser):
    Select(browser.id("color-by")).select_by_visible_text("topic")
    before = browser.settle()
    row = next(e for e in browser.driver.find_elements(By.CLASS_NAME, "legend-row") if "astronomy" in e.text)
    row.click()
    assert row.get_attribute("aria-pressed") == "false"
    browser.move(*browser.middle())
    assert browser.settle()[0] < 0.9 * before[0]
    assert browser.search("galaxy") == 0
    browser.id("show-all").click()
    assert browser.search("galaxy") > 0


def test_the_lasso_selects_what_is_in_it_and_saves_it(browser):
    x, y = browser.middle()
    browser.lasso([(x, 30), (1125, 30), (1125, 2 * y - 30), (x, 2 * y - 30)])
    inside = [i for i, place in enumerate(browser.page.places) if place[0] > 0]
    browser.wait(lambda: browser.id("status").text.endswith("selected"))
    count = int(browser.id("status").text.split()[0].replace(",", ""))
    assert abs(count - len(inside)) <= 2  # of those on the line itself
    browser.settle()
    browser.picture("lasso")
    browser.id("save-json").click()
    browser.id("save-csv").click()
    browser.wait(lambda: browser.run("return window.saved.length") == 2)
    first, second = browser.run("return window.saved")
    assert browser.run("return window.savedName") == "texts.parquet-rows.csv"
    rows = json.loads(first)
    assert len(rows) == count
    for row in rows:
        i = row["row"]
        assert row["text"] == browser.page.texts[i]
        assert row["topic"] == browser.page.columns["topic"][i]
        assert row["note"] == browser.page.columns["note"][i]
        assert row["size"] == (None if i == 41 else i / 4)
        assert row["map_x"] > -0.01
    table = list(csv.DictReader(io.StringIO(second, newline="")))
    assert [(int(r["row"]), r["text"], r["note"]) for r in table] == [(r["row"], r["text"], r["note"]) for r in rows]


def test_dark_is_as_the_system_says_and_can_be_switched(browser):
    def ground():
        return browser.run("return getComputedStyle(document.body).backgroundColor")

    assert ground() == "rgb(251, 251, 252)"
    light = browser.settle()
    browser.id("theme").click()
    assert ground() == "rgb(16, 18, 22)"
    assert browser.settle() != light
    browser.picture("dark")
    emulated = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", emulated)
    try:
        browser.open()
        assert ground() == "rgb(16, 18, 22)"
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_hostile_texts_are_texts(browser):
    for row in range(6):
        browser.choose_row(row)
        whole = browser.driver.find_element(By.CLASS_NAME, "whole").get_attribute("textContent")
        assert whole == browser.page.texts[row]
    browser.search("hacked")
    assert sorted(browser.listed()) == sorted(t for t in browser.page.texts if "hacked" in t)
    assert browser.run("return document.querySelectorAll('script').length") == 1
    assert browser.run("return document.querySelectorAll('img, #results svg, #results b, #legend i').length") == 0


def test_a_script_that_got_in_would_not_run(browser):
    browser.run(
        "const s = document.createElement('script'); s.textContent = 'window.hacked = 1'; document.body.append(s)"
    )
    assert browser.run("return window.hacked") is None
    refused = [entry for entry in browser.driver.get_log("browser") if "Content Security Policy" in entry["message"]]
    assert refused


def test_everything_is_done_with_keys(browser):
    canvas = browser.id("points")
    before = browser.settle()
    canvas.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, "+")
    assert browser.settle() != before
    canvas.send_keys("0")
    assert browser.settle() == before
    canvas.send_keys(Keys.ENTER)
    browser.wait(lambda: browser.id("status").text.startswith("Row "))
    spoken = browser.id("spoken").get_attribute("textContent")
    row = int(re.match(r"Row (\d+), ", spoken)[1])
    assert browser.page.texts[row] in spoken
    canvas.send_keys(Keys.ESCAPE, "/")
    assert browser.driver.switch_to.active_element.get_attribute("id") == "query"
    browser.search("galaxy")
    canvas.send_keys("n")
    browser.wait(lambda: browser.id("status").text.startswith("Row "))
    canvas.send_keys("?")
    assert browser.id("help-text").is_displayed()
    browser.picture("help")
    browser.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not browser.id("help-text").is_displayed()


def test_a_screen_reader_has_a_name_for_everything(browser):
    browser.search("galaxy")
    controls = browser.driver.find_elements(
        By.CSS_SELECTOR, "button, input, select, canvas[tabindex], section, nav, ol"
    )
    nameless = [e.get_attribute("outerHTML") for e in controls if e.is_displayed() and not e.accessible_name]
    assert nameless == []
    assert browser.id("points").accessible_name.startswith("Map of 1,200 texts in ")


def test_a_small_window_has_room_for_the_map(browser):
    browser.driver.set_window_size(520, 800)
    try:
        browser.settle()
        browser.picture("small")
        assert browser.search("galaxy") > 0
    finally:
        browser.driver.set_window_size(*SIZE)


def test_the_pictures_are_there():
    for name in ("light", "dark", "lasso", "search"):
        assert base64.b64encode((FOLDER / f"{name}.png").read_bytes()[:4]) == b"iVBORw=="
