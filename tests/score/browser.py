"""Chromium, steered through chromedriver by the W3C's WebDriver protocol."""

import base64
import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = ("chromium", "chromedriver")
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--mute-audio")
ARGUMENTS += ("--disable-dev-shm-usage", "--window-size=1280,2000")
ARGUMENTS += ("--autoplay-policy=no-user-gesture-required",)


class Browser:
    """One open window."""

    def __init__(self, address: str, folder: Path) -> None:
        self._session = f"{address}/session"
        flags = [*ARGUMENTS, f"--user-data-dir={folder}"]
        options = {"binary": shutil.which("chromium"), "args": flags}
        wanted = {"alwaysMatch": {"goog:chromeOptions": options}}
        self._session += (
            "/" + self._ask("POST", "", {"capabilities": wanted})["sessionId"]
        )

    def open(self, page: Path) -> None:
        self._ask("POST", "/url", {"url": page.as_uri()})

    def click(self, selector: str) -> None:
        """Click where a user would; fails if something else lies there."""
        using = {"using": "css selector", "value": selector}
        element = next(iter(self._ask("POST", "/element", using).values()))
        self._ask("POST", f"/element/{element}/click", {})

    def run(self, script: str) -> Any:
        """The value of a JavaScript function's body; of a promise, what it gives."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": []})

    def screenshot(self) -> bytes:
        """PNG of the window."""
        return base64.b64decode(self._ask("GET", "/screenshot"))

    def close(self) -> None:
        self._ask("DELETE", "")

    def _ask(self, method: str, path: str, content: object = None) -> Any:
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self._session + path, data, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start both programs; skips the test where they are not installed."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"needs {' and '.join(missing)} (Debian: chromium chromium-driver)")
    with subprocess.Popen(
        ["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True
    ) as driver:
        assert driver.stdout is not None
        ports = (re.search(r"started.* on port (\d+)", line) for line in driver.stdout)
        port = next(found[1] for found in ports if found)
        try:
            window = Browser(f"http://127.0.0.1:{port}", folder)
            try:
                yield window
            finally:
                window.close()
        finally:
            driver.terminate()
