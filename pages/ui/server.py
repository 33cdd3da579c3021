"""What the server adds around the screens: headers on every answer, a bound on uploads, a health route.

Streamlit sends none of these headers itself. `app.py` hands them to `st.App`, so `streamlit run app.py` and
`make run` are served alike.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import re
import webbrowser
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.pages_manager import PagesManager
from streamlit.web.server.starlette import App
from streamlit.web.server.starlette.starlette_auth_routes import _get_cookie_value_from_request
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from audit_core.contract.access import AccessError
from audit_core.errors import AuditError
from audit_core.evidence.workspace import Workspace
from pages.ui import identity

SHELL = Path(st.__file__).parent / "static" / "index.html"
INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
UPLOADS = "/_stcore/upload_file/"
MOST_HELD = 2 << 30
"""Bytes of uploads that may be in memory at once, of all visitors together; each is there for a moment."""
SWEEP_SECONDS = 60.0
LEASE_SECONDS = 300.0
MEGABYTE = 1 << 20


def content_policy() -> str:
    """Return the Content-Security-Policy: everything from this server, nothing from anywhere else.

    Streamlit's shell holds one inline script, allowed by its hash. Styles are written by the page's own
    script (`'unsafe-inline'`); no screen puts data into HTML.
    """
    scripts = INLINE.findall(SHELL.read_text(encoding="utf-8"))
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
    parts = {
        "default-src": "'none'",
        "script-src": " ".join(["'self'", *(f"'sha256-{value}'" for value in hashes)]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "frame-ancestors": "'none'",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
    }
    return "; ".join(f"{name} {value}" for name, value in parts.items())


HEADERS = {
    "Content-Security-Policy": content_policy(),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
UNKNOWN = "The server could not answer. The reason stands in its log.\n"


class Guard:
    """ASGI middleware: the headers on every answer, and no more uploads in memory than may be there."""

    def __init__(self, app: ASGIApp, visits: set[str]) -> None:
        self.app = app
        self.visits = visits
        self.coming = 0
        """Bytes of uploads on their way; touched by the event loop alone, as are the visits."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = str(scope["path"])

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(MutableHeaders(scope=message), path)
            await send(message)

        if scope["method"] != "PUT" or UPLOADS not in path:
            await self.app(scope, receive, with_headers)
            return
        request = Request(scope)
        size = _size_of(request)
        refusal = None
        if not await anyio.to_thread.run_sync(_may_upload, request):
            refusal = PlainTextResponse("Sign in first.\n", status_code=403)
        elif _held() + self.coming + size > MOST_HELD:
            refusal = PlainTextResponse("Too many uploads at once. Try again in a minute.\n", status_code=503)
        if refusal is not None:
            await refusal(scope, receive, with_headers)
            return
        self.visits.add(path.rpartition(UPLOADS)[2].partition("/")[0])
        self.coming += size
        try:
            await self.app(scope, receive, with_headers)
        finally:
            self.coming -= size


def add_headers(headers: MutableHeaders, path: str) -> None:
    """Set the headers of an answer. Only Streamlit's own files, named by their content, may be kept."""
    headers.update(HEADERS)
    if "/static/" not in path:
        headers["Cache-Control"] = "no-store"


def _size_of(request: Request) -> int:
    """Bytes an upload says it has; one that does not say may have as many as any."""
    said = request.headers.get("content-length", "")
    return int(said) if said.isdecimal() else int(st.get_option("server.maxUploadSize")) * MEGABYTE


def _may_upload(request: Request) -> bool:
    """Whether an upload comes from somebody who may see the screens; the field itself is no protection."""
    cookie = _get_cookie_value_from_request(request, USER_COOKIE_NAME)
    try:
        return "analyst" in identity.person_of(json.loads(cookie or b"{}")).rights
    except (AccessError, ValueError):
        return False


def _held() -> int:
    """Bytes of uploads in memory that no script has copied to disk yet."""
    groups = runtime.get_instance().uploaded_file_mgr.get_stats()
    return sum(stat.byte_length for stats in groups.values() for stat in stats)


async def _health(_: Request) -> Response:
    """Whether the server answers; nothing about who or what is on it."""
    return JSONResponse({"status": "ok"})


async def _unknown(request: Request, _: Exception) -> Response:
    """A fault of the server, without its details; Starlette sends this outside of every middleware."""
    response = PlainTextResponse(UNKNOWN, status_code=500)
    add_headers(response.headers, request.url.path)
    return response


def _life(visits: set[str]) -> Callable[[App], AbstractAsyncContextManager[None]]:
    """What goes on while the server runs: uploads whose visit has ended are removed."""

    @asynccontextmanager
    async def life(_: App) -> AsyncIterator[None]:
        if not st.get_option("server.headless"):
            address, port = st.get_option("browser.serverAddress"), st.get_option("server.port")
            webbrowser.open(f"http://{address}:{port}")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_keep_sweeping, visits)
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()

    return life


async def _keep_sweeping(visits: set[str]) -> None:
    while True:
        here = [visit for visit in visits if runtime.get_instance().is_active_session(visit)]
        try:
            await anyio.to_thread.run_sync(sweep, here)
        except (AuditError, OSError):
            logging.getLogger("evenhand").warning("uploads could not be swept", exc_info=True)
        await anyio.sleep(SWEEP_SECONDS)


def sweep(visits: Iterable[str]) -> None:
    """Renew what these visits hold, and remove the uploads of those that have ended."""
    inputs = Workspace().inputs
    inputs.renew(visits)
    inputs.sweep(LEASE_SECONDS)


def parts() -> dict[str, Any]:
    """Return what `st.App` is given beside the script."""
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # a line per connection is no news
    # Streamlit would take the pages folder for its own older kind of menu, until `st.navigation` has run
    # once, and greet a first visitor who comes by the address of a screen with “Page not found”.
    PagesManager.uses_pages_directory = False
    visits: set[str] = set()
    return {
        "middleware": [Middleware(Guard, visits=visits)],
        "routes": [Route("/health", _health)],
        "exception_handlers": {Exception: _unknown},
        "lifespan": _life(visits),
    }
