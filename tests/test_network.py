"""Nothing is asked of the network: not by an audit, its DuckDB, its model, not by the server or a screen."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from browser_app import ARGUMENTS, CHROMIUM, need_browser, serve, watch

ROOT = Path(__file__).resolve().parent.parent
HIRING = ROOT / "sample_data" / "hiring"
# Python runs this file before anything else. An audit hook can't be taken off again.
WATCH = """
import os, sys

def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else "local"
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = arguments[0]
    else:
        return
    text = host.decode() if isinstance(host, bytes) else str(host)
    if text not in ("local", "localhost", "::1") and not text.startswith("127."):
        with open(os.environ["WATCHED"], "a") as file:
            file.write(f"{event} {text}\\n")
        raise OSError("the network is closed")

sys.addaudithook(watch)
"""
AUDIT = [
    sys.executable, "-m", "audit_core", "audit", "--contract", str(HIRING / "contract.yaml"),
    "--eval", str(HIRING / "evaluation.csv"), "--train", str(HIRING / "train.csv"),
    "--model", str(HIRING / "model.joblib"), "--as-of", "2026-11-16T09:00:00Z", "--quiet",
    "--json", "result.json",
]  # fmt: skip


def watching(folder):
    """What puts the watch into every Python that is started; each host it names is in the file `asked`."""
    place = folder / "site"
    place.mkdir()
    (place / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    return {"PYTHONPATH": f"{place}{os.pathsep}{ROOT}", "WATCHED": str(folder / "asked")}


def run(command, folder):
    """The command with the watch in place."""
    environment = {k: v for k, v in os.environ.items() if k != "EVENHAND_WORKSPACE"} | watching(folder)
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=180, check=False
    )


def asked(folder):
    file = folder / "asked"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def works(command):
    return (
        shutil.which(command[0]) is not None
        and subprocess.run(command, capture_output=True, check=False).returncode == 0
    )


def test_the_watch_sees_and_stops_a_request(tmp_path):
    code = "import urllib.request; urllib.request.urlopen('http://192.0.2.1/', timeout=5)"
    ended = run([sys.executable, "-c", code], tmp_path)
    assert ended.returncode != 0 and "the network is closed" in ended.stderr
    assert asked(tmp_path)


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """The worked example audited under the watch: the folder, and how the program ended."""
    folder = tmp_path_factory.mktemp("watched")
    return folder, run(AUDIT, folder)


def test_the_worked_example_is_audited_without_a_request(watched):
    folder, ended = watched
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "")
    assert asked(folder) == []
    assert json.loads((folder / "result.json").read_bytes())["decision"]["verdict"] == "BLOCKED"


def test_no_process_of_an_audit_opens_a_socket_to_the_network(tmp_path):
    """Seen from the kernel, so the isolated worker and DuckDB's own threads are watched too."""
    trace = [
        str(shutil.which("strace")),
        "-f",
        "-qq",
        "--seccomp-bpf",
        "-e",
        "trace=socket,connect,sendto,sendmsg",
    ]
    if not works([*trace, "-o", os.devnull, "true"]):
        pytest.skip("strace is not here, or may not trace")
    log = tmp_path / "calls"
    ended = run([*trace, "-o", str(log), *AUDIT], tmp_path)
    assert ended.returncode == 1, ended.stderr
    calls = log.read_text(encoding="utf-8", errors="replace")
    assert not re.findall(r"^.*(?:AF_INET6?|sin6?_addr).*$", calls, flags=re.MULTILINE)


def test_an_audit_without_any_network_gives_the_same_result(tmp_path, watched):
    """In a name space of its own there is not even a loopback."""
    alone = ["unshare", "--map-root-user", "--net", "--"]
    if not works([*alone, "true"]):
        pytest.skip("name spaces without a network are not to be had here")
    ended = run([*alone, *AUDIT], tmp_path)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert (tmp_path / "result.json").read_bytes() == (watched[0] / "result.json").read_bytes()


@pytest.mark.browser
def test_the_dashboard_asks_nothing_of_the_network(tmp_path, monkeypatch, hiring_workspace, hiring_audit):
    """Its start, a visit, a document and its end; the browser's own requests are watched as well."""
    need_browser()
    from playwright.sync_api import sync_playwright

    for name, value in watching(tmp_path).items():
        monkeypatch.setenv(name, value)
    log = tmp_path / "server.log"
    with serve(hiring_workspace.root, log) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        visitor = watch(browser.new_page(), server.url)
        visitor.open(f"/?audit={hiring_audit.id}")
        with visitor.page.expect_download() as waiting:
            visitor.page.get_by_role("button", name="One-page PDF").click()
        assert Path(waiting.value.path()).stat().st_size > 1000
        visitor.open(f"/group-differences?audit={hiring_audit.id}")
        browser.close()
    assert asked(tmp_path) == [] and not visitor.problems
    assert "the network is closed" not in log.read_text(encoding="utf-8")
