"""The server as it is shipped: where it listens, what it sends around the screens, and what it refuses."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import httpx
import pytest
from browser_app import (
    ARGUMENTS,
    CHROMIUM,
    NOTE_VIOLATIONS,
    ROOT,
    copy_inputs,
    need_browser,
    refused,
    serve,
    watch,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from pages.ui import server as shipped
from pages.ui import uploads

CONFIG = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def running(hiring_workspace, hiring_audit, tmp_path_factory):
    """The dashboard, run by `streamlit run app.py` with the project's own configuration."""
    with serve(hiring_workspace.root, tmp_path_factory.mktemp("log") / "server.log") as found:
        yield found
    assert not found.trouble()


def answer(address, method="GET", body=None, **headers):
    """Status, headers and body of an answer, an error's too."""
    request = urllib.request.Request(address, data=body, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as found:
            return found.status, found.headers, found.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


# --- the configuration


def test_the_configuration_keeps_to_this_machine():
    server, client = CONFIG["server"], CONFIG["client"]
    assert server["address"] == "127.0.0.1" == CONFIG["browser"]["serverAddress"]
    assert set(server["allowedHosts"]) == {"127.0.0.1", "localhost"}
    assert server["enableCORS"] and server["enableXsrfProtection"]
    assert not server["enableAgentApi"] and not server["enableStaticServing"]
    assert not CONFIG["browser"]["gatherUsageStats"]
    assert client["showErrorDetails"] == "none" and client["toolbarMode"] == "viewer"
    assert 60 <= server["disconnectedSessionTTL"] <= 600


def test_the_server_takes_what_the_fields_allow():
    assert CONFIG["server"]["maxUploadSize"] >= uploads.MEGABYTES
    assert CONFIG["server"]["maxUploadSize"] * shipped.MEGABYTE < shipped.MOST_HELD


def test_no_font_and_no_picture_comes_from_elsewhere():
    assert "fontFaces" not in str(CONFIG) and "://" not in str(CONFIG)


def listeners(port):
    """Addresses on which somebody listens on a port, as Linux tells it."""
    found = []
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{name}").read_text(encoding="ascii").splitlines()[1:]:
            place, state = line.split()[1], line.split()[3]
            address, _, number = place.partition(":")
            if state == "0A" and int(number, 16) == port:
                words = [address[i : i + 8] for i in range(0, len(address), 8)]
                packed = b"".join(bytes.fromhex(word)[::-1] for word in words)
                found.append(socket.inet_ntop(family, packed))
    return found


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's /proc")
def test_only_this_machine_can_reach_it(running):
    assert listeners(urlsplit(running.url).port) == ["127.0.0.1"]


# --- headers


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/", "GET", 200),
        ("/group-differences", "GET", 200),
        ("/health", "GET", 200),
        ("/_stcore/health", "GET", 200),
        ("/_stcore/host-config", "GET", 200),
        ("/_stcore/upload_file/a/b", "PUT", 403),
        ("/media/0000.pdf", "GET", 404),
        ("//evil.example/x", "GET", 400),
        ("/..%5c..%5cetc", "GET", 400),
        ("/", "DELETE", 405),
    ],
)
def test_every_answer_has_the_headers(running, path, method, status):
    code, headers, _ = answer(running.url + path, method, b"" if method == "PUT" else None)
    assert code == status
    for name, value in shipped.HEADERS.items():
        assert headers.get_all(name) == [value]
    assert headers.get_all("Cache-Control") == ["no-store"]


def test_only_streamlits_own_files_are_kept(running):
    shell = answer(running.url)[2].decode()
    script = re.search(r'src="\./(static/js/[^"]+)"', shell)[1]
    code, headers, _ = answer(f"{running.url}/{script}")
    assert code == 200 and "immutable" in headers["Cache-Control"]
    assert headers["Content-Security-Policy"] == shipped.content_policy()


def test_the_policy_allows_the_shells_one_script_and_no_other(running):
    shell = answer(running.url)[2].decode()
    inline = re.findall(r"<script>(.*?)</script>", shell, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in inline]
    policy = dict(part.split(" ", 1) for part in shipped.content_policy().split("; "))
    assert policy["script-src"].split() == ["'self'", *(f"'sha256-{digest}'" for digest in digests)]
    assert policy["default-src"] == "'none'" and policy["connect-src"] == "'self'"
    assert "eval" not in str(policy) and "*" not in str(policy) and "http" not in str(policy)


def test_health_says_nothing_else(running):
    assert answer(f"{running.url}/health")[2] == b'{"status":"ok"}'


def test_the_agent_interface_is_off(running):
    code, _, body = answer(f"{running.url}/_stcore/agent/interact", "POST", b"{}")
    assert code >= 400 and b"session_id" not in body


def test_an_upload_without_the_token_is_refused(running):
    address = f"{running.url}/_stcore/upload_file/session/file"
    code, _, body = answer(address, "PUT", b"x" * 100)
    assert code == 403 and b"XSRF" in body


def shook_hands(port, host, origin):
    """The first line of the answer to a WebSocket handshake."""
    lines = [
        "GET /_stcore/stream HTTP/1.1", f"Host: {host}", "Connection: Upgrade", "Upgrade: websocket",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", f"Origin: {origin}",
        "", "",
    ]  # fmt: skip
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        wire.sendall("\r\n".join(lines).encode())
        return wire.recv(100).split(b"\r\n")[0].decode()


def test_a_page_elsewhere_can_not_open_a_visit(running):
    port = urlsplit(running.url).port
    ours = f"127.0.0.1:{port}"
    assert "101" in shook_hands(port, ours, running.url)
    assert "403" in shook_hands(port, ours, "http://evil.example")
    assert "403" in shook_hands(port, f"evil.example:{port}", f"http://evil.example:{port}")


# --- uploads in memory, and faults, in the middleware itself


def asked(routes, visits, method, path, content=b""):
    """The answer of an application behind the shipped middleware."""
    handlers = shipped.parts()["exception_handlers"]
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.add_middleware(shipped.Guard, visits=visits)

    async def ask():
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, path, content=content)

    return anyio.run(ask)


async def takes(request):
    return PlainTextResponse(str(len(await request.body())))


async def unsaid():
    """A body whose length is not told before."""
    yield b"x"


def test_no_more_uploads_than_fit_are_taken(monkeypatch):
    visits = set()
    routes = [Route("/_stcore/upload_file/{s}/{f}", takes, methods=["PUT"])]

    def put(visit, content):
        return asked(routes, visits, "PUT", f"/_stcore/upload_file/{visit}/f", content)

    monkeypatch.setattr(shipped, "_held", lambda: shipped.MOST_HELD - 1000)
    assert put("s1", b"x" * 1000).text == "1000"
    refused = put("s1", b"x" * 1001)
    assert refused.status_code == 503 and refused.headers["X-Frame-Options"] == "DENY"
    assert put("s1", unsaid()).status_code == 503  # it could be as long as any
    assert put("s2", b"x").text == "1"
    assert visits == {"s1", "s2"}


def test_uploads_on_their_way_count(monkeypatch):
    monkeypatch.setattr(shipped, "_held", lambda: 0)
    monkeypatch.setattr(shipped, "MOST_HELD", 150)
    codes = []

    async def slow(request):
        await anyio.sleep(0.2)
        return PlainTextResponse("")

    app = shipped.Guard(Starlette(routes=[Route("/_stcore/upload_file/s/f", slow, methods=["PUT"])]), set())

    async def put():
        async def send(message):
            if message["type"] == "http.response.start":
                codes.append(message["status"])

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        scope = {
            "type": "http", "method": "PUT", "path": "/_stcore/upload_file/s/f", "query_string": b"",
            "headers": [(b"content-length", b"100")],
        }  # fmt: skip
        await app(scope, receive, send)

    async def both():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(put)
            tasks.start_soon(put)

    anyio.run(both)
    assert sorted(codes) == [200, 503] and app.coming == 0


def test_a_fault_of_the_server_tells_no_detail():
    async def boom(_: Request):
        raise RuntimeError("/home/secret CANARY")

    found = asked([Route("/boom", boom)], set(), "GET", "/boom")
    assert found.status_code == 500 and found.text == shipped.UNKNOWN
    assert found.headers["Content-Security-Policy"] == shipped.content_policy()


def test_the_command_starts_the_same_server(hiring_workspace):
    """`make run` is `python -m audit_core demo`; it must not go round the headers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", f"import webbrowser; webbrowser.open = print\n"
               f"from audit_core.cli import main; main(['demo', '--port', '{port}'])"]  # fmt: skip
    environment = {
        "BROWSER": "true",
        "PATH": "/usr/bin:/bin",
        "EVENHAND_WORKSPACE": str(hiring_workspace.root),
    }
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0
    )
    try:
        for _ in range(100):
            try:
                headers = answer(f"http://127.0.0.1:{port}/health")[1]
                break
            except OSError:
                process.poll()
                anyio.run(anyio.sleep, 0.1)
        assert headers["Content-Security-Policy"] == shipped.content_policy()
        assert listeners(port) == ["127.0.0.1"]
    finally:
        subprocess.run(["kill", "-TERM", "--", f"-{process.pid}"], check=False)
        process.communicate(timeout=20)


# --- the policy against the real screens


@pytest.fixture(scope="module")
def browser():
    """Debian's chromium."""
    need_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield started
        started.close()


@pytest.mark.browser
def test_uploads_downloads_and_pictures_of_charts_keep_to_the_policy(
    browser, running, hiring_audit, tmp_path
):
    context = browser.new_context()
    visitor = watch(context.new_page(), running.url)
    page = visitor.page
    page.add_init_script(f"({NOTE_VIOLATIONS})()")
    visitor.open(f"/?audit={hiring_audit.id}")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="One-page PDF").click()
    assert Path(waiting.value.path()).read_bytes().startswith(b"%PDF")
    visitor.open(f"/group-differences?audit={hiring_audit.id}")
    with page.expect_download():
        page.get_by_role("button", name="CSV").first.click()
    picture = page.evaluate(
        "async () => { const c = document.querySelector('.js-plotly-plot');"
        " const i = new Image(); i.src = URL.createObjectURL(new Blob([new XMLSerializer()"
        ".serializeToString(c.querySelector('svg'))], {type: 'image/svg+xml'}));"
        " return new Promise(done => { i.onload = () => done('drawn'); i.onerror = () => done('refused') }) }"
    )
    assert picture == "drawn"
    assert not refused(page)
    visitor.open("/data-and-model")
    heading = page.get_by_role("heading", name="Training sample")
    card = page.get_by_test_id("stVerticalBlock").filter(has=heading).last
    card.locator("input[type=file]").set_input_files(str(copy_inputs(tmp_path)["train"]))
    card.get_by_text("rows,").wait_for()
    assert not refused(page) and not visitor.problems
    context.close()


@pytest.mark.browser
def test_the_policy_stops_what_it_should(browser, running):
    """The watch sees a violation, and a script or a request that was slipped in does nothing."""
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(f"({NOTE_VIOLATIONS})()")
    page.goto(running.url)
    page.wait_for_selector("h1")
    ran = page.evaluate(
        "async () => { const s = document.createElement('script'); s.text = 'window.slipped = 1';"
        " document.body.append(s);"
        " const out = await fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'stopped');"
        " return [window.slipped ?? 'stopped', out] }"
    )
    assert ran == ["stopped", "stopped"]
    assert {what[0] for what in refused(page)} >= {"script-src-elem", "connect-src"}
    context.close()
