"""A site on a server: the pages of a report, with every neuron's on demand."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from otoscope.errors import OtoscopeError, UsageError

if TYPE_CHECKING:
    import uvicorn

    from otoscope.activations import Store
    from otoscope.models.base import AudioModel
    from otoscope.reporting.answering import MakeNeuron

__all__ = ["PORT", "Address", "address_of", "opened", "serve", "server"]

PORT = 8765
"""The port that is taken where none is given."""

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Address:
    """Where a site is served.

    Attributes:
        url: what to open.
        hosts: what browsers that open it, or reach it through a tunnel from the same port, may call the host.
        token: what every path begins with; None where no token is asked for.
    """

    url: str
    hosts: frozenset[str]
    token: str | None


def serve(
    stores: Sequence[Store | str | Path],
    *,
    host: str = "127.0.0.1",
    port: int = PORT,
    token: bool = False,
    models: Mapping[str, AudioModel] | None = None,
    sound: bool = True,
    ready: Callable[[str], object] = print,
    say: Callable[[str], object] = lambda _: None,
) -> None:
    """Serve the pages of `report`, and a page of every neuron of the stores, until it is interrupted.

    It reads nothing but the stores, their models and the audio that they name, and hands out nothing but the
    pages that it makes of them, in a temporary folder.

    Args:
        stores: stores, or where they lie.
        host: the name or address of this machine to listen on: 127.0.0.1 for this machine alone, 0.0.0.0 for
            every network that it is in.
        port: to listen on; 0 takes a free one.
        token: ask for a random token in the address. On a network it is asked for in any case.
        models: by name, models that their name does not find.
        sound: hear examples again. Without, there are no players, and no model is loaded.
        ready: is told the address, once the pages are there.
        say: is told, in a line each, what is being done and why a neuron's page could not be made.

    Raises:
        UsageError: no store; no such host; the port is taken.
        OtoscopeError: starlette and uvicorn are not installed; not a store, or a result that cannot be read.
    """
    for package in ("starlette", "uvicorn"):
        if find_spec(package) is None:
            raise OtoscopeError(
                f"serve needs the package {package}, which is not installed; "
                "try pip install 'otoscope[serve]'"
            )
    from otoscope.reporting.building import build
    from otoscope.reporting.collect import collect

    recorded = collect(stores)
    with (
        _ended(),
        opened(host, port) as here,
        TemporaryDirectory(prefix="otoscope-", ignore_cleanup_errors=True) as folder,
    ):
        address = address_of(here, host, token)
        say("making the pages")
        made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        pages = build(recorded, Path(folder), made=made, models=models, sound=sound, live=True)
        ready(address.url)
        with _finished(lambda number, *at: pages.write(number, [at])) as make:
            server(Path(folder), make, address, say).run([here])


def server(
    folder: Path, make_neuron: MakeNeuron, address: Address, say: Callable[[str], object]
) -> uvicorn.Server:
    """What answers on a socket that listens: `run([socket])`, until the process is interrupted.

    Args:
        folder: the site.
        make_neuron: writes the page of a neuron.
        address: where the site is served.
        say: is told why a page could not be made.
    """
    import uvicorn

    from otoscope.reporting.answering import app

    config = uvicorn.Config(
        app(folder, make_neuron, hosts=address.hosts, token=address.token, say=say),
        http="h11",
        loop="asyncio",
        ws="none",
        lifespan="off",
        access_log=False,  # its lines would hold the token
        log_level="critical",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)


@contextmanager
def opened(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens.

    Args:
        host: a name or address of this machine.
        port: the port; 0 takes a free one.

    Raises:
        UsageError: no such host, or the port cannot be had.
    """
    if not 0 <= port <= 65535:
        raise UsageError(f"port {port} is none; expected 0 (a free one) to 65535")
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise UsageError(
            f"host {host!r} is not known ({getattr(error, 'strerror', None) or error}); "
            "expected a name or address of this machine, such as 127.0.0.1 or 0.0.0.0"
        ) from None
    with socket.socket(family, kind, protocol) as here:
        if os.name != "nt":  # where it would let two servers have one port
            here.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            here.bind(place)
            here.listen()
        except OSError as error:
            raise UsageError(
                f"cannot listen on port {port} of {host} ({(error.strerror or str(error)).lower()}); "
                "expected a free port and an address of this machine: try --port 0, which takes a free one"
            ) from None
        yield here


def address_of(here: socket.socket, host: str, token: bool = False) -> Address:
    """The address of a listening socket, with a fresh token where others than this machine can reach it.

    Args:
        here: the socket.
        host: what it was asked to listen on.
        token: ask for a token in any case.
    """
    where, port = here.getsockname()[:2]
    bound = ip_address(where)
    shown = _outward() if bound.is_unspecified else host
    names = {*_LOOPBACK, host, shown} | ({socket.gethostname()} if bound.is_unspecified else set())
    hosts = {f"{_bracketed(name)}:{port}" for name in names}
    if port == 80:  # which browsers leave out
        hosts |= {_bracketed(name) for name in names}
    secret = secrets.token_urlsafe(24) if token or not bound.is_loopback else None
    url = f"http://{_bracketed(shown)}:{port}/" + (f"{secret}/" if secret else "")
    return Address(url, frozenset(hosts), secret)


def _bracketed(host: str) -> str:
    """A host as addresses hold it: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def _outward() -> str:
    """The address by which others are likely to know this machine, or its name. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # set aside for documentation: nobody's
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()


@contextmanager
def _finished(make: MakeNeuron) -> Iterator[MakeNeuron]:
    """What makes a page, in whichever thread; after the block none is being made, and none will be."""
    lock, open_ = threading.Lock(), True

    def once(number: int, layer: int, unit: int) -> None:
        with lock:
            if open_:
                make(number, layer, unit)

    try:
        yield once
    finally:
        with lock:
            open_ = False


@contextmanager
def _ended() -> Iterator[None]:
    """Within the block, end in order when told to or when the terminal closes, so that nothing is left."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: object) -> None:
        del frame
        sys.exit(128 + number)

    kinds = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    ours = [kind for kind in kinds if signal.getsignal(kind) is signal.SIG_DFL]  # nohup ignores its own
    for kind in ours:
        signal.signal(kind, end)
    try:
        yield
    finally:
        for kind in ours:
            signal.signal(kind, signal.SIG_DFL)
