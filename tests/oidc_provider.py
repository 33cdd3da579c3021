"""A small OpenID provider for the tests: it approves whoever the test says, at once, and signs what it says.

Discovery, keys, the authorization code flow with PKCE and a nonce, RS256 identity tokens, userinfo, sign-out.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "evenhand-test", "only-for-the-tests"


class Provider:
    """A provider at an address, and the claims of whoever signs in next."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.claims: dict[str, Any] = {}
        self.redirect_uri = ""
        self.key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"})
        self.codes: dict[str, dict[str, str]] = {}
        self.signed_out = 0

    def app(self) -> Starlette:
        """The routes."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.discovery),
                Route("/jwks", self.jwks),
                Route("/authorize", self.authorize),
                Route("/token", self.token, methods=["POST"]),
                Route("/end", self.end),
            ]
        )

    async def discovery(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "end_session_endpoint": f"{self.issuer}/end",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def jwks(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def authorize(self, request: Request) -> Response:
        """Approve, without asking; only for the one client and its one address."""
        asked = request.query_params
        if (asked["client_id"], asked["redirect_uri"]) != (CLIENT, self.redirect_uri):
            return Response("unknown client", status_code=400)
        code = secrets.token_urlsafe()
        self.codes[code] = {"nonce": asked["nonce"], "challenge": asked["code_challenge"]}
        return RedirectResponse(
            f"{self.redirect_uri}?{urlencode({'code': code, 'state': asked['state']})}", 302
        )

    async def token(self, request: Request) -> Response:
        """A code once, from the client that proves it asked for it."""
        form = await request.form()
        known = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        code = self.codes.pop(str(form["code"]), None)
        digest = hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if request.headers.get("authorization") != f"Basic {known}" or not code or code["challenge"] != proof:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 3600}
        claims |= {"nonce": code["nonce"], **self.claims}
        token = jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.key)
        return JSONResponse(
            {"access_token": "a", "token_type": "Bearer", "id_token": token, "expires_in": 3600}
        )

    async def end(self, request: Request) -> Response:
        self.signed_out += 1
        return RedirectResponse(request.query_params["post_logout_redirect_uri"], 302)


@contextmanager
def provider() -> Iterator[Provider]:
    """Run a provider on a free port, under another name than the dashboard's, until the block ends."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        place.listen()
        found = Provider(f"http://localhost:{place.getsockname()[1]}")
        server = uvicorn.Server(uvicorn.Config(found.app(), log_level="critical"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            server.should_exit = True
            thread.join(timeout=10)


def secrets_toml(running: Provider, contract: str) -> str:
    """What the operator writes into .streamlit/secrets.toml; Streamlit puts its own port in."""
    return f"""\
[auth]
redirect_uri = "http://127.0.0.1:{{port}}/oauth2callback"
cookie_secret = "{secrets.token_hex(32)}"
client_id = "{CLIENT}"
client_secret = "{SECRET}"
server_metadata_url = "{running.issuer}/.well-known/openid-configuration"

[evenhand]
contract = "{contract}"
"""
