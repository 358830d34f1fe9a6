"""Debian's Chromium, which shows a test what people see, with scripts and without.

What a run leaves behind is in the folder that the environment names in EASYJWT_BROWSER_FOLDER: screenshots/, and
axe-core, which `browser.py install` puts there with npm. package-lock.json has the hash of what may come.
"""

import base64
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.ui import WebDriverWait

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from support import PATIENCE  # noqa: E402  pylint: disable=wrong-import-position

PHONE, DESK = 390, 1280
SCHEMES = ("light", "dark")
# Scripts of the machine's owner off, as chrome://settings/content/javascript has it.
WITHOUT_SCRIPTS = {"profile.managed_default_content_settings.javascript": 2}

# All rules, those of WCAG 2.2 that axe leaves out too.
AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {rules: {"target-size": {enabled: true}}, resultTypes: ["violations"]}).then(
  result => done(result.violations.flatMap(violation => violation.nodes.map(node =>
    [violation.id, violation.impact, node.target.join(" "), node.failureSummary].join(": ")))),
  error => done([String(error)]));
"""

# Notes what has the focus and whether one sees it: an outline of two pixels with a contrast of 3 to what it is
# drawn on (WCAG 2.2, 2.4.13), within the page.
FOCUS = """
const inputs = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";
const wanted = [...document.querySelectorAll(inputs)].filter(element =>
  !element.disabled && element.tabIndex >= 0 && element.checkVisibility());
const name = element => element.outerHTML.slice(0, 120);
const parse = color => color.match(/[\\d.]+/g).map(Number);
const luminance = color => parse(color).slice(0, 3).map(part => part / 255).map(part =>
  part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4).reduce((sum, part, index) =>
  sum + part * [0.2126, 0.7152, 0.0722][index], 0);
const behind = element => {
  for (let each = element.parentElement; each; each = each.parentElement) {
    const color = getComputedStyle(each).backgroundColor;
    if ((parse(color)[3] ?? 1) === 1) return color;
  }
  return "rgb(255, 255, 255)";
};
const faults = [], seen = new Set();
document.addEventListener("focusin", ({target}) => {
  seen.add(target);
  const style = getComputedStyle(target), box = target.getBoundingClientRect();
  const [low, high] = [luminance(style.outlineColor), luminance(behind(target))].sort((a, b) => a - b);
  if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) faults.push("no outline: " + name(target));
  else if ((high + 0.05) / (low + 0.05) < 3) faults.push("a faint outline: " + name(target));
  if (box.left < 0 || box.right > innerWidth + 1) faults.push("beside the page: " + name(target));
});
window.focusFaults = () => {
  // Of radio buttons with the same name Tab reaches one; the arrows lead to the others.
  const reached = element => seen.has(element) || (element.type === "radio" &&
    [...seen].some(other => other.type === "radio" && other.name === element.name));
  return faults.concat(wanted.filter(element => !reached(element)).map(element => "not reached: " + name(element)));
};
return wanted.length;
"""


def folder():
    path = os.environ.get("EASYJWT_BROWSER_FOLDER")
    if not path:
        raise RuntimeError("EASYJWT_BROWSER_FOLDER must name a folder for axe-core and screenshots")
    return pathlib.Path(path)


def install():
    """axe-core, where it is not there in that version. Nothing of a package's own is run."""
    lock = json.loads((HERE / "package-lock.json").read_text("utf-8"))
    installed = folder() / "node_modules" / "axe-core" / "package.json"
    with contextlib.suppress(OSError, ValueError):
        there = json.loads(installed.read_text("utf-8"))["version"]
        if there == lock["packages"]["node_modules/axe-core"]["version"]:
            return
    folder().mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(HERE / name, folder() / name)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", str(folder() / "npm-cache")],
                   cwd=folder(), check=True)


class Chromium(webdriver.Chrome):
    """A browser of its own, with nobody's cookies. Ends with the test whose addCleanup it gets."""

    def __init__(self, add_cleanup, scripts=True):
        profile = tempfile.mkdtemp(prefix="easyjwt-chromium-")
        add_cleanup(shutil.rmtree, profile, ignore_errors=True)
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        # Its sandbox cannot be had by root in a container; it sees no pages but ours, and no network.
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--user-data-dir=" + profile,
                         "--lang=en-US", "--force-prefers-reduced-motion", "--hide-scrollbars",
                         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"):
            options.add_argument(argument)
        if not scripts:
            options.add_experimental_option("prefs", WITHOUT_SCRIPTS)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        super().__init__(service=Service("/usr/bin/chromedriver"), options=options)
        add_cleanup(self.quit)
        self.set_page_load_timeout(60)
        self.look()

    # -- how it is looked at

    def look(self, width=DESK, scheme="light"):
        self.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 844 if width == PHONE else 800, "deviceScaleFactor": 1,
            "mobile": width == PHONE})
        self.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def speak(self, language):
        self.execute_cdp_cmd("Network.enable", {})
        self.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {"Accept-Language": language}})

    def screenshot(self, name):
        """The whole page, however long."""
        image = self.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True})
        path = folder() / "screenshots" / (name + ".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(image["data"]))

    # -- what is found there

    def answer(self):
        """Status and headers of the page that is shown, however one came to it."""
        last = None
        for line in self.get_log("performance"):
            message = json.loads(line["message"])["message"]
            if message["method"] == "Network.responseReceived" and message["params"]["type"] == "Document":
                last = message["params"]["response"]
        return last["status"], {name.lower(): value for name, value in last["headers"].items()}

    def complaints(self):
        """What it wrote to its console: what the policy forbade, what was not found."""
        return [line["message"] for line in self.get_log("browser") if line["level"] in ("WARNING", "SEVERE")]

    def violations(self):
        """axe-core's, as it is looked at now: rule, how bad, where, and what to do."""
        # The page's policy holds for its own scripts, not for those of who debugs it.
        if not self.execute_script("return 'axe' in window"):
            self.execute_script((folder() / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8"))
        return self.execute_async_script(AXE)

    def width(self):
        """Of the page, in pixels; more than that of the window where something does not fit."""
        return self.execute_script("return document.documentElement.scrollWidth")

    def focus_faults(self):
        """Goes through a page that was just opened with Tab."""
        number = self.execute_script(FOCUS)
        ActionChains(self, duration=0).send_keys(Keys.TAB * (number + 1)).perform()
        faults = self.execute_script("return focusFaults()")
        self.execute_script("document.activeElement.blur(); scrollTo(0, 0);"
                            "for (const each of document.querySelectorAll('*')) each.scrollTop = 0;")
        return faults

    def links(self):
        return self.execute_script("return [...document.querySelectorAll('a[href], link[href]')].map(a => a.href)")

    # -- what people do there; without scripts, too

    def open(self, service, path):
        self.get("%s://%s:%d%s" % (service.scheme, *service.address, path))

    def take_session(self, browser):
        """Somebody's whom an HTTP client has logged in. A page of that service must be open."""
        self.delete_all_cookies()
        for name, value in browser.cookies.items():
            self.add_cookie({"name": name, "value": value, "path": "/"})

    def text(self):
        return self.find_element(By.TAG_NAME, "body").text

    def heading(self):
        return self.find_element(By.TAG_NAME, "h1").text

    def field(self, label):
        """The input with a label."""
        for each in self.find_elements(By.TAG_NAME, "label"):
            if each.text.strip().rstrip(":*").strip() == label:
                return self.find_element(By.ID, each.get_attribute("for"))
        raise AssertionError("no field %r in:\n%s" % (label, self.text()))

    def fill(self, **values):
        """Inputs by their names: a text, True or False of a box, or the texts that are chosen of a list."""
        for name, value in values.items():
            element = self.find_element(By.NAME, name)
            if isinstance(value, bool):
                if element.is_selected() != value:
                    element.click()
            elif element.tag_name == "select":
                for text in [value] if isinstance(value, str) else value:
                    Select(element).select_by_visible_text(text)
            else:
                element.clear()
                element.send_keys(value)

    def press(self, text, within="body"):
        """A button or a link, by its text; with what it leads to, once that is there."""
        found = [element for element in self.find_element(By.CSS_SELECTOR, within).find_elements(
                     By.CSS_SELECTOR, "button:not([aria-hidden]), a, summary")
                 if element.is_displayed() and element.text.strip() == text]
        if len(found) != 1:
            raise AssertionError("%d × %r in:\n%s" % (len(found), text, self.text()))
        before, leads = self.find_element(By.TAG_NAME, "html"), found[0].tag_name != "summary"
        found[0].click()
        if leads:
            # What is asked amid the change may fail.
            WebDriverWait(self, PATIENCE, 0.05, [WebDriverException]).until(
                lambda _: self.is_gone(before) and self.execute_script("return document.readyState") == "complete")

    @staticmethod
    def is_gone(element):
        try:
            element.is_enabled()
        except StaleElementReferenceException:
            return True
        return False


if __name__ == "__main__":
    install()
