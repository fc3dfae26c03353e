"""Security: who may ask, how much, and what a browser may do with the answer.

A page of another site can make a browser send requests to this machine, by its number (CSRF) or by a name of
its own that leads here (DNS rebinding). So a request is let in only under a name of this machine, from a page
of this server or from none, and with the cookie that the token gave. What changes something also says that it
comes from a page of this server, and carries the key that only such a page was given, in a header that no
foreign page can set without being asked first.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import logging
import secrets
import socket
import time
from collections import deque
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from zonedesign.errors import ScenarioError, ZoneDesignError
from zonedesign.studio.settings import LARGEST_BODY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

SHORTEST_TOKEN = 16
HEADER = "x-zonedesign"
"""What every request that changes something carries: the run's key, or at the door the word `studio`."""
_SAFE = frozenset({"GET", "HEAD"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})
_TRIES, _TRIES_SECONDS = 10, 60.0
_FIXED_HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The content security policy of what is no page."""


def is_loopback(host: str) -> bool:
    """Return whether a name or number to bind to is this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def require_bind(host: str, token: str | None) -> None:
    """Raise `ScenarioError` where others could reach the studio and no token keeps them out."""
    if token is not None and (len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable()):
        raise ScenarioError(
            f"the token needs {SHORTEST_TOKEN} letters and digits or more; leave --token out on this machine "
            "alone, and one is made up"
        )
    if token is None and not is_loopback(host):
        raise ScenarioError(
            f"--host {host} lets others on the network in, and no token keeps them out; give --token, or "
            "leave --host out to serve this machine alone"
        )


class Gate:
    """Who is let in: the token, once, for a cookie; then the cookie.

    Both are compared in constant time. After `_TRIES` wrong tokens in a minute none is looked at.
    """

    def __init__(self, host: str, token: str | None = None) -> None:
        self.host = host
        self.token = token or secrets.token_urlsafe(32)
        self.session = secrets.token_urlsafe(32)
        self.key = secrets.token_urlsafe(32)
        self.cookie = f"zonedesign-{secrets.token_hex(4)}"
        self._tickets: set[str] = set()
        self._wrong: deque[float] = deque(maxlen=_TRIES)
        self._names = {"localhost", socket.gethostname().lower()}

    def ticket(self) -> str:
        """Return a token that lets one browser in, once: others may see with what a browser is opened."""
        made = secrets.token_urlsafe(32)
        self._tickets.add(made)
        return made

    def opens(self, token: str) -> bool:
        """Return whether a token is the right one, or a ticket that nobody has used yet."""
        for ticket in [
            each for each in self._tickets if secrets.compare_digest(token.encode(), each.encode())
        ]:
            self._tickets.discard(ticket)
            return True
        now = time.monotonic()
        if len(self._wrong) == _TRIES and now - self._wrong[0] < _TRIES_SECONDS:
            return False
        if secrets.compare_digest(token.encode(), self.token.encode()):
            return True
        self._wrong.append(now)
        return False

    def knows(self, cookies: str) -> bool:
        """Return whether a `Cookie` header holds this run's session."""
        found = dict(part.strip().split("=", 1) for part in cookies.split(";") if "=" in part)
        given = found.get(self.cookie, "")
        return secrets.compare_digest(given.encode(errors="replace"), self.session.encode())

    def set_cookie(self) -> str:
        """Return the `Set-Cookie` header that lets a browser in until it is closed."""
        return f"{self.cookie}={self.session}; Path=/; HttpOnly; SameSite=Strict"

    def refuses(self, method: str, headers: Mapping[str, str]) -> str | None:
        """Return why a request is refused, whoever sends it, or None."""
        host = headers.get("host", "")
        if not self._is_here(host):
            return "this is not the name of the studio; open it by the address that it printed"
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin is not None and origin.lower() != f"http://{host}".lower():
            return "requests from pages of other sites are refused"
        if site not in (None, "same-origin", "none"):
            return "requests from pages of other sites are refused; type the address, or open the printed one"
        if method not in _SAFE and (origin is None or HEADER not in headers):
            return f"requests that change something come from the studio's own page, with Origin and {HEADER}"
        return None

    def has_key(self, given: str) -> bool:
        """Return whether the header of a request holds the key that this run's page was given."""
        return secrets.compare_digest(given.encode(errors="replace"), self.key.encode())

    def _is_here(self, header: str) -> bool:
        """Return whether a `Host` header names this machine.

        On loopback that is localhost or a loopback number. Bound to more, any number is: only a name can be
        made to lead somewhere else.
        """
        name = _name_in(header)
        if name is None:
            return False
        if is_loopback(name):
            return True
        if is_loopback(self.host):
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self._names or name == self.host.lower()
        return True


def _name_in(header: str) -> str | None:
    """Return the name or number in a `Host` header, lower case, or None where there is none to read."""
    name, port = header.lower(), ""
    if header.startswith("["):
        name, end, port = header.lower()[1:].partition("]")
        if not end or (port and not port.startswith(":")):
            return None
        port = port[1:]
    elif ":" in header:
        name, _, port = name.rpartition(":")
    if port and not (port.isascii() and port.isdigit()):
        return None
    return name or None


class Door:
    """The ASGI application around all others: refuses, limits, sets headers, and tells errors in one line."""

    def __init__(
        self, app: ASGIApp, gate: Gate, *, open_paths: frozenset[str], largest: int = LARGEST_BODY
    ) -> None:
        self.app, self.gate, self.open_paths, self.largest = app, gate, open_paths, largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return
        headers = _headers_of(scope)
        refused = self._refusal(scope, headers)
        if refused is not None:
            await _answer(send, *refused)
            return
        begun = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message = {**message, "headers": _with_fixed(message.get("headers", []))}
            await send(message)

        try:
            await self.app(scope, _limited(receive, self.largest), guarded)
        except _TooLargeError:
            await _answer(send, 413, _too_large(self.largest))
        except ZoneDesignError as error:
            if begun:
                raise
            await _answer(send, 400, str(error))
        except Exception as error:
            log.debug("a request failed", exc_info=error)
            if begun:
                raise
            kind = "too little memory" if isinstance(error, MemoryError) else type(error).__name__
            await _answer(send, 500, f"the studio could not do that ({kind}); nothing was changed")

    def _refusal(self, scope: Scope, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """Return status and reason where a request is not let in."""
        method = str(scope["method"])
        if method not in _METHODS:
            return 405, "the studio does not take such requests"
        said = self.gate.refuses(method, headers)
        if said is not None:
            return 403, said
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit() or int(length[:20]) > self.largest:
            return 413, _too_large(self.largest)
        if scope["path"] in self.open_paths:
            return None
        if not self.gate.knows(headers.get("cookie", "")):
            return 401, "the studio does not know this window; open it by the address that it printed"
        if method not in _SAFE and not self.gate.has_key(headers[HEADER]):
            return 403, "this page is of an earlier run of the studio; load it again"
        return None


class _TooLargeError(Exception):
    """A body went on beyond the limit."""


def _too_large(most: int) -> str:
    return f"that is more than the {most >> 20:,} MB that a request may hold"


def _limited(receive: Receive, most: int) -> Receive:
    """Return `receive` that ends a body which goes on beyond `most` bytes, whatever its length claimed."""
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > most:
                raise _TooLargeError
        return message

    return limited


def _headers_of(scope: Scope) -> dict[str, str]:
    """Return a request's headers; of those given twice the values joined, which then match nothing."""
    found: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        joined = "; " if name == "cookie" else ", "
        found[name] = f"{found[name]}{joined}{text}" if name in found else text
    return found


def _with_fixed(given: Any) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers with those that every answer has; its own policy stands."""
    headers = [(name, value) for name, value in given if name.decode().lower() not in _FIXED_HEADERS]
    headers += [(name.encode(), value.encode()) for name, value in _FIXED_HEADERS.items()]
    if not any(name.lower() == b"content-security-policy" for name, _ in headers):
        headers.append((b"content-security-policy", NOTHING.encode()))
    return headers


async def _answer(send: Send, status: int, said: str) -> None:
    """Send an error as JSON of one line."""
    body = error_json(said)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": _with_fixed(headers)})
    await send({"type": "http.response.body", "body": body})


def error_json(said: str) -> bytes:
    """Return an error as a JSON object in one line."""
    return json.dumps({"error": " ".join(said.split())}).encode()


def policy_of(page: str) -> str:
    """Return the content security policy of a page: its own scripts run, by their hashes, and no others.

    Styles may be inline: map and chart set them by the thousand, and they cannot fetch.
    """
    found = _Scripts()
    found.feed(page)
    found.close()
    allowed = " ".join(dict.fromkeys(f"'sha256-{_hash(text)}'" for text in found.texts)) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


class _Scripts(HTMLParser):
    """Gathers the text of every inline script."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.texts: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a script."""
        if tag == "script" and not dict(attrs).get("src"):
            self._inside = True
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        """End a script."""
        if tag == "script":
            self._inside = False

    def handle_data(self, data: str) -> None:
        """Take the text of a script, which may come in pieces."""
        if self._inside:
            self.texts[-1] += data


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
