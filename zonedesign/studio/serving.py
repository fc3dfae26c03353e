"""Serving: a socket on this machine, a browser opened on it, and a tidy end at Ctrl-C."""

from __future__ import annotations

import errno
import signal
import socket
import threading
import webbrowser
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

from zonedesign.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from zonedesign.studio.app import Studio

PORT = 8765
BACKLOG = 64
SECONDS_TO_END = 10.0
"""How long a job may take at the end to hand over its best plan, which is then kept."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; `ScenarioError` where the port is in use or the address is not ours."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError:
        raise ScenarioError(
            f"--host {host} is no address of this machine; leave it out for 127.0.0.1"
        ) from None
    sock = socket.socket(family, kind)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows, where two could listen on one port otherwise
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        if error.errno in (errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", None)):
            raise ScenarioError(
                f"port {port} is in use, perhaps by another studio; add --port 0 to have a free one chosen"
            ) from None
        if error.errno in (errno.EACCES, errno.EPERM):
            raise ScenarioError(
                f"port {port} may not be used here; add --port 0 to have a free one chosen"
            ) from None
        raise ScenarioError(
            f"--host {host} is no address of this machine ({error.strerror}); leave it out for 127.0.0.1"
        ) from None
    return sock


def address_of(sock: socket.socket, host: str) -> str:
    """Return the address to open: this machine's own where every address is listened to."""
    port = sock.getsockname()[1]
    name = host.strip("[]")
    if name in ("0.0.0.0", "::", ""):  # noqa: S104  (what was asked for is told, not bound here)
        name = socket.gethostname()
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"


def serve(studio: Studio, sock: socket.socket, *, opened: str | None, ready: Callable[[], None]) -> None:
    """Serve until Ctrl-C; then stop the job, keep what it found, and close the store.

    `opened` is the address for a browser, or None; `ready` is called once requests are answered.
    """
    config = uvicorn.Config(
        studio.app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=BACKLOG,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=3,
    )
    server = _Server(config, studio, opened, ready)
    with _one_interrupt():
        try:
            server.run(sockets=[sock])
        finally:
            studio.closing = True
            studio.jobs.close(SECONDS_TO_END)
            studio.desk.store.close()
            sock.close()


class _Server(uvicorn.Server):
    """A server that says when it is ready, and ends the streams that would keep it from ending."""

    def __init__(
        self, config: uvicorn.Config, studio: Studio, opened: str | None, ready: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._studio, self._opened, self._ready = studio, opened, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then say so."""
        await super().startup(sockets)
        if not self.started:
            return
        self._ready()
        if self._opened is not None:  # beside, for some systems wait for the browser to end
            threading.Thread(target=webbrowser.open, args=(self._opened,), daemon=True).start()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """End at Ctrl-C, streams of progress first."""
        self._studio.closing = True
        super().handle_exit(sig, frame)


@contextmanager
def _one_interrupt() -> Iterator[None]:
    """Take the signals that ended the server as done: it raises them once more when it has ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = [name for name in ("SIGINT", "SIGTERM") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), signal.SIG_IGN) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
