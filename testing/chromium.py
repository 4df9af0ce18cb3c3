"""Debian's Chromium without a window (script/enter --section browser). Its WebGL is computed by the processor."""

from selenium import webdriver


def start_chromium(size, capabilities=None):
    """`size` of the window in pixels; `capabilities`: WebDriver's, by name. The caller ends it with quit()."""
    options = webdriver.ChromeOptions()
    for flag in (
        "--headless=new",
        "--no-sandbox",
        f"--window-size={size[0]},{size[1]}",
        "--enable-unsafe-swiftshader",
    ):
        options.add_argument(flag)
    options.binary_location = "/usr/bin/chromium"
    for name, value in (capabilities or {}).items():
        options.set_capability(name, value)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
