"""Memory of the server while a person uploads 500 MB in a browser, and when the file is on the disk.

`EVENHAND_UPLOAD_MB` makes the file smaller. Needs chromium and Linux's /proc; prints nothing without them.
"""

from __future__ import annotations

import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = Path("/usr/bin/chromium")
MEGABYTE = 1_000_000  # as the upload field counts
Figure = tuple[str, float, str]


def measure() -> Iterator[Figure]:
    """Give resident memory before an upload, at its peak, when the file is on the disk, and afterwards."""
    if not CHROMIUM.exists() or not Path("/proc/self/status").exists():
        return
    size = int(os.environ.get("EVENHAND_UPLOAD_MB", "500"))
    with tempfile.TemporaryDirectory() as name:
        table = _table(Path(name) / "rows.csv", size)
        with _served(Path(name) / "workspace") as (server, address), _visit(address) as page:
            before = _resident(server)
            yield "server before", before, "MB"
            started = time.perf_counter()
            with _watching(server) as seen:
                _upload(page, table, "Training sample")
            yield f"{size} MB of CSV: seconds until it is read", time.perf_counter() - started, "s"
            top = max(range(len(seen)), key=seen.__getitem__)
            yield f"{size} MB of CSV: peak above before", seen[top] - before, "MB"
            yield f"{size} MB of CSV: least above before, after the peak", min(seen[top:]) - before, "MB"
            page.wait_for_timeout(5_000)
            yield f"{size} MB of CSV: 5 s later, tab open, above before", _resident(server) - before, "MB"
            page.close()
            time.sleep(5)
            yield (
                f"{size} MB of CSV: 5 s after the tab was closed, above before",
                _resident(server) - before,
                "MB",
            )


def _table(file: Path, megabytes: int) -> Path:
    draw = random.Random(2)  # noqa: S311 - rows, no secret
    lines = [
        f"{draw.randint(0, 1)},{draw.random():.6f},{'ab'[k % 2]},{draw.random():.9f}\n" for k in range(40_000)
    ]
    block = "".join(lines).encode()
    with file.open("wb") as target:
        target.write(b"label,score,grp,feature\n")
        while target.tell() < megabytes * MEGABYTE - len(block):
            target.write(block)
    return file


@contextmanager
def _served(folder: Path) -> Iterator[tuple[int, str]]:
    """Run the dashboard as it is shipped: its process id and address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), f"--server.port={port}"]
    environment = os.environ | {"EVENHAND_WORKSPACE": str(folder)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment)  # noqa: S603 - our own program
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{address}/health", timeout=1).close()  # noqa: S310 - our own address
                break
            except OSError:
                time.sleep(0.1)
        yield process.pid, address
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def _visit(address: str) -> Iterator[Any]:
    """Open the upload screen in a browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.goto(f"{address}/data-and-model")
        page.get_by_role("heading", name="Training sample").wait_for(timeout=60_000)
        yield page
        browser.close()


def _upload(page: Any, file: Path, card: str) -> None:
    """Put a file into one of the cards, and wait until it says how many rows it read."""
    heading = page.get_by_role("heading", name=card)
    place = page.get_by_test_id("stVerticalBlock").filter(has=heading).last
    place.locator("input[type=file]").set_input_files(str(file))
    place.get_by_text(re.compile(r"[\d,]+ rows, \d+ columns")).wait_for(timeout=300_000)


@contextmanager
def _watching(server: int) -> Iterator[list[float]]:
    """Look at a process fifty times a second; the list holds what was seen."""
    seen, done = [_resident(server)], threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            seen.append(_resident(server))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def _resident(process: int) -> float:
    """Resident memory of a process in MB."""
    text = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", text)
    return int(found[1]) * 1024 / MEGABYTE if found else 0.0
