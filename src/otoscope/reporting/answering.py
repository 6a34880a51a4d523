"""Answers to a browser: the files of one folder, and pages of neurons, made when they are asked for."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable
from html import escape
from ipaddress import ip_address
from pathlib import Path

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from otoscope.errors import OtoscopeError, UsageError
from otoscope.reporting.page import POLICY

__all__ = ["MakeNeuron", "app"]

MakeNeuron = Callable[[int, int, int], object]
"""Writes the page of a neuron, given the number of its store in the site, its layer and its unit."""

_HEADERS = {
    "Content-Security-Policy": POLICY.replace(" file:", "") + "; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # the address holds the token
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}

_NEURON = re.compile(r"neurons/([1-9][0-9]{0,5})/(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.html")

_LOST = "There is no such page here. The navigation of the first page leads to every one."


def app(
    folder: Path,
    make_neuron: MakeNeuron,
    *,
    hosts: Iterable[str],
    token: str | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> ASGIApp:
    """A site as an ASGI application.

    It answers GET and HEAD with files of the folder and with nothing else. A request for another host is
    refused, since it comes from a page elsewhere whose name was made to lead here (DNS rebinding).

    Args:
        folder: what is served.
        make_neuron: writes the page of a neuron into the folder, with what it needs. It is called in a
            thread, one neuron at a time, for pages that are not there yet. A `UsageError` says that there is
            no such neuron.
        hosts: what the header Host may say, for example "localhost:8765". The address that a request arrived
            at is always taken.
        token: what every path must begin with, as "/TOKEN/index.html"; None for paths without a token.
        say: is told, in one line, why a page could not be made.
    """
    return _Site(folder, make_neuron, frozenset(host.lower() for host in hosts), token, say)


class _Site:
    """The application: what `app` was given."""

    def __init__(
        self,
        folder: Path,
        make_neuron: MakeNeuron,
        hosts: frozenset[str],
        token: str | None,
        say: Callable[[str], object],
    ) -> None:
        self.folder = folder.resolve()
        self.make_neuron = make_neuron
        self.hosts = hosts
        self.token = token
        self.say = say
        self.files = StaticFiles(directory=self.folder)
        # Threads of their own: whoever waits for a neuron keeps no one from the files.
        self.one = CapacityLimiter(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
        if scope["type"] != "http":
            return

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        response = await self.answer(scope)
        await response(scope, receive, sealed)

    async def answer(self, scope: Scope) -> Response:
        """What a request gets, whoever sent it."""
        if not self.meant(scope):
            return PlainTextResponse(
                "This is not the host that was asked for; open the address that `otoscope serve` printed.\n",
                421,
            )
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("Only GET and HEAD.\n", 405, {"Allow": "GET, HEAD"})
        path = self.below(scope["path"])
        if path is None:
            return PlainTextResponse(
                "The token is missing; open the whole address that `otoscope serve` printed.\n", 403
            )
        if path == "":
            return RedirectResponse(f"/{self.token}/", 308)
        if path == "/":
            path = "/index.html"
        if not _plain(path):
            return self.message(404, "Not found", _LOST)
        return await self.neuron(path[1:]) or await self.file(path[1:], scope)

    def meant(self, scope: Scope) -> bool:
        """Whether a request names this server."""
        named = Headers(scope=scope).getlist("host")
        return len(named) == 1 and (named[0].lower() in self.hosts or named[0] in _arrived(scope))

    def below(self, path: str) -> str | None:
        """A path without the token that it must begin with; None where it does not."""
        if self.token is None:
            return path
        given, slash, rest = path.removeprefix("/").partition("/")
        right = secrets.compare_digest(given.encode(), self.token.encode())
        return slash + rest if right else None

    async def neuron(self, path: str) -> Response | None:
        """Make a neuron's page where that is what the path asks for; why not, if it cannot be made."""
        match = _NEURON.fullmatch(path)
        if match is None:
            return None
        number, layer, unit = map(int, match.groups())

        def make() -> None:
            if not (self.folder / path).is_file():
                self.make_neuron(number, layer, unit)

        try:
            await run_sync(make, limiter=self.one)
        except UsageError as error:
            return self.message(404, "No such neuron", str(error))
        except Exception as error:
            known = isinstance(error, OtoscopeError)
            why = str(error) if known else f"unexpected {type(error).__name__}: {error}"
            self.say(f"neuron {layer}.{unit} of store {number}: {why}")
            return self.message(500, f"Neuron {layer}.{unit} cannot be shown", why)
        return None

    async def file(self, path: str, scope: Scope) -> Response:
        """A file of the folder, or the part of it that is asked for."""
        try:
            return await self.files.get_response(path, scope)
        except (HTTPException, OSError):
            return self.message(404, "Not found", _LOST)

    def message(self, status: int, title: str, text: str) -> Response:
        """A page that says what went wrong, in the style of the others."""
        root = f"/{self.token}/" if self.token else "/"
        return HTMLResponse(
            '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(title)} - otoscope</title>\n"
            f'<link rel="stylesheet" href="{root}assets/style.css">\n'
            f"<main>\n<h1>{escape(title)}</h1>\n<p>{escape(text)}</p>\n"
            f'<p><a href="{root}index.html">To the first page</a></p>\n</main>\n</html>\n',
            status,
        )


def _plain(path: str) -> bool:
    """Whether a decoded path names something below the folder, and nothing hidden.

    >>> [_plain(path) for path in ("/a/b.html", "/../a", "//etc/passwd", "/.git", "/a\\\\b", "/c:/a", "a")]
    [True, False, False, False, False, False, False]
    """
    first, *parts = path.split("/")
    return first == "" and all(
        part and part.isprintable() and part[0] != "." and not set(part) & {"\\", ":"} for part in parts
    )


def _arrived(scope: Scope) -> tuple[str, ...]:
    """The address that a request arrived at, as Host says it; no name, which could have been made up."""
    host, port = scope.get("server") or ("", None)
    try:
        address = ip_address(host)
    except ValueError:
        return ()
    name = f"[{address}]" if address.version == 6 else str(address)
    return (f"{name}:{port}", *((name,) if port == 80 else ()))
