"""The dashboard in a real browser: a server on a free port, and a page that notes what must not happen."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pages.ui.menu import addresses

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# Streamlit asks for these two beside every sub-page before it falls back to the root; nothing else may fail.
KNOWN_MISSING = ("/_stcore/health", "/_stcore/host-config")
IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
# Idle, and nothing stale or half drawn, on every look of the last 600 ms.
QUIET = """() => {
  const idle = document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    && !document.querySelector('[data-testid="stSkeleton"], [data-stale="true"]');
  if (!idle) { window.evenhandQuiet = undefined; return false; }
  window.evenhandQuiet ??= performance.now();
  if (performance.now() - window.evenhandQuiet < 600) return false;
  window.evenhandQuiet = undefined;
  return true;
}"""
SCREENS = tuple(addresses().values())
# Streamlit's protobuf library tries WebAssembly, is refused, and goes on in plain JavaScript.
KNOWN_REFUSAL = ("script-src", "wasm-eval")
NOTE_VIOLATIONS = """() => { window.refused = [];
document.addEventListener('securitypolicyviolation',
    e => window.refused.push([e.violatedDirective, e.blockedURI])) }"""
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


def need_browser() -> None:
    """Skip without a browser; in CI its absence is a failure."""
    if CHROMIUM.exists():
        return
    reason = f"no browser at {CHROMIUM}; .ci/run installs it"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass
class Server:
    """A running dashboard: its address and the file its output goes to."""

    url: str
    log: Path

    def trouble(self) -> str:
        """What the server wrote about an exception, or ""."""
        said = self.log.read_text(encoding="utf-8", errors="replace")
        return said if "Traceback" in said or "Error" in said else ""


@contextmanager
def serve(workspace: Path, log: Path) -> Iterator[Server]:
    """Run the dashboard on a free port until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", str(port)]
    environment = {**os.environ, "EVENHAND_WORKSPACE": str(workspace)}
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health", process)
            yield Server(url=f"http://127.0.0.1:{port}", log=log)
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError("the dashboard stopped")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the dashboard does not answer")


@dataclass
class Watched:
    """A browser page with what it must not have done."""

    page: Any
    url: str
    problems: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Open a screen and wait until it is drawn."""
        self.page.goto(self.url + path)
        self.settle()

    def settle(self) -> None:
        """Wait until the script is done, the title stands, and nothing has moved for a moment.

        A click asks for a rerun a little later than it returns: one quiet look could be the state before it.
        """
        self.page.wait_for_selector(f"{IDLE} h1", timeout=60_000)
        self.page.wait_for_function(QUIET, timeout=60_000)

    def axe(self) -> list[str]:
        """Every WCAG 2.2 A and AA violation of the screen as it stands."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page, options=AXE).response["violations"]
        return [f"{rule['id']}: {rule['nodes'][0]['html'][:160]}" for rule in found]


def refused(page: Any) -> list[Any]:
    """What the security policy has refused on this screen, but for the known one.

    `NOTE_VIOLATIONS` must be an init script of the page.
    """
    return [found for found in page.evaluate("window.refused") if tuple(found) != KNOWN_REFUSAL]


def watch(page: Any, url: str) -> Watched:
    """Note every console error and every request that leaves this machine."""
    watched = Watched(page=page, url=url)

    def on_console(message: Any) -> None:
        address = str((message.location or {}).get("url", ""))
        known = "404" in message.text and address.endswith(KNOWN_MISSING)
        if message.type == "error" and not known:
            watched.problems.append(f"console: {message.text} {address}")

    def on_request(request: Any) -> None:
        local = request.url.startswith((url, url.replace("http", "ws", 1), "data:", "blob:", "about:"))
        if not local:
            watched.problems.append(f"request: {request.url}")

    page.on("console", on_console)
    page.on("request", on_request)
    page.on("pageerror", lambda error: watched.problems.append(f"error: {error}"))
    return watched


def copy_inputs(folder: Path) -> dict[str, Path]:
    """Copy the worked example's files, as somebody would bring their own."""
    source = ROOT / "sample_data" / "hiring"
    names = {"model": "model.joblib", "train": "train.csv", "evaluation": "evaluation.csv"}
    return {role: Path(shutil.copy(source / name, folder / f"my-{name}")) for role, name in names.items()}
