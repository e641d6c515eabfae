"""Open every page of a built site in a browser: `python .ci/browser.py FOLDER [PART OF A NAME]`.

Looked for at a wide and a narrow width: pages that scroll sideways, images that do not show, what
is fetched from elsewhere, errors of scripts, and text too pale for its ground, in both themes.
Needs Selenium, Chromium and its driver; without them it says so, and nothing is checked.
"""

import importlib.util
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

WIDTHS = (1200, 400)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
SCRIPT = Path(__file__).with_suffix(".js").read_text()


def tools() -> tuple[str, str] | None:
    """Paths of a browser and its driver, or nothing where one of them or Selenium is missing."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if browser is None or driver is None or importlib.util.find_spec("selenium") is None:
        return None
    return browser, driver


def opened(browser: str, driver: str) -> "Chrome":
    """A browser without a window."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for option in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "SEVERE"})
    return webdriver.Chrome(options, webdriver.ChromeService(driver))


def faults(page: Path, chrome: "Chrome") -> list[str]:
    """What is wrong with a page, a line each."""
    found = []
    for width in WIDTHS:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        chrome.get(page.resolve().as_uri())
        found += [
            f"{width} px: {told}" for told in chrome.execute_script(SCRIPT + "return shape()")
        ]
    for theme in ("light", "dark"):
        found += chrome.execute_script(SCRIPT + "return pale(arguments[0])", theme)
    return found + [str(entry["message"]) for entry in chrome.get_log("browser")]


def main(folder: Path, part: str = "") -> int:
    """Look at the pages of a site, and say what was found."""
    if (found := tools()) is None:
        print("no browser was opened: Selenium, Chromium or its driver is missing")
        return 0
    pages = [page for page in sorted(folder.rglob("*.html")) if "_static" not in page.parts]
    pages = [page for page in pages if part in str(page.relative_to(folder))]
    chrome = opened(*found)
    told = []
    try:
        for page in pages:
            told += [f"{page.relative_to(folder)}: {fault}" for fault in faults(page, chrome)]
    finally:
        chrome.quit()
    print("\n".join(told) or f"{len(pages)} pages show well")
    return int(bool(told) or not pages)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
