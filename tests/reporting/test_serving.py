"""The server: what it hands out, and what it refuses."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from otoscope.errors import OtoscopeError, UsageError
from otoscope.reporting.answering import app
from otoscope.reporting.serving import Address, address_of, opened, server

TOKEN = "Zp3nQ7"
SECRET = "what lies outside"
SOUND = bytes(range(256)) * 40


def write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


class Maker:
    """Makes pages that say which neuron they are of; slowly, so that requests overlap."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: list[tuple[int, int, int]] = []
        self.busy = 0

    def __call__(self, number: int, layer: int, unit: int) -> None:
        assert self.busy == 0, "two at a time"
        if layer > 11:
            raise UsageError(f"no layer {layer} <b>")
        if unit == 666:
            raise KeyError("bones")
        if unit == 667:
            raise OtoscopeError("the model has gone")
        self.busy += 1
        time.sleep(0.02)
        self.made.append((number, layer, unit))
        write(self.folder / f"neurons/{number}/{layer}.{unit}.html", f"neuron {layer}.{unit}")
        self.busy -= 1


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    """A site, and beside it what nobody may get."""
    site = tmp_path / "site"
    write(site / "index.html", "<h1>the first page</h1>")
    write(site / "data/x.js", "otoscope.data.x = 1;")
    write(site / "audio/a.mp3", SOUND)
    write(site / ".hidden", SECRET)
    write(site / "data/.git/config", SECRET)
    write(tmp_path / "secret.html", SECRET)
    write(tmp_path / "site-too/secret.html", SECRET)
    (site / "link.html").symlink_to(tmp_path / "secret.html")
    (site / "away").symlink_to(tmp_path)
    return Maker(site)


@pytest.fixture
def client(maker: Maker) -> TestClient:
    return TestClient(app(maker.folder, maker, hosts=["LocalHost:8765"]), base_url="http://localhost:8765")


@pytest.fixture
def guarded(maker: Maker) -> TestClient:
    """The same behind a token."""
    served = app(maker.folder, maker, hosts=["localhost:8765"], token=TOKEN)
    return TestClient(served, base_url="http://localhost:8765")


@pytest.fixture
def raw(maker: Maker) -> Iterator[Callable[..., str]]:
    """A real server; sends it bytes as they are, which clients would put in order, and returns its answer."""
    with opened("127.0.0.1", 0) as here:
        address = address_of(here, "127.0.0.1")
        running = server(maker.folder, maker, address, lambda line: None)
        thread = threading.Thread(target=running.run, args=([here],))
        thread.start()

        def send(target: str, *, method: str = "GET", host: str = "", more: str = "") -> str:
            with socket.create_connection(here.getsockname()[:2], timeout=10) as line:
                host = host or f"127.0.0.1:{here.getsockname()[1]}"
                line.sendall(
                    f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{more}Connection: close\r\n\r\n".encode()
                )
                return b"".join(iter(lambda: line.recv(65536), b"")).decode("latin-1")

        yield send
        running.should_exit = True
        thread.join(10)
    assert not thread.is_alive()


def test_pages_without_a_token_on_loopback(client: TestClient) -> None:
    for path in ("/", "/index.html", "/index.html?x=../.."):
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (200, "<h1>the first page</h1>")
        assert answer.headers["content-type"].startswith("text/html")
    assert client.get("/data/x.js").headers["content-type"].startswith("text/javascript")
    assert client.head("/audio/a.mp3").headers["content-length"] == str(len(SOUND))
    assert client.head("/audio/a.mp3").content == b""


@pytest.mark.parametrize(
    "path", ["/index.html", "/nothing.html", "/neurons/1/12.0.html", "/%2e%2e/secret.html"]
)
def test_every_answer_is_sealed(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "file:" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "no-cache" in headers["cache-control"]


OUTSIDE = [
    "/../secret.html",
    "/data/../../secret.html",
    "/data/../index.html",
    "/%2e%2e/secret.html",
    "/%2E%2E%2Fsecret.html",
    "/..%2fsecret.html",
    "/%252e%252e/secret.html",
    "/..%5csecret.html",
    "/..\\secret.html",
    "/.%00./secret.html",
    "/index.html%00",
    "/index.html%0a",
    "/%c0%ae%c0%ae/secret.html",
    "//etc/passwd",
    "/%2fetc/passwd",
    "//{outside}/secret.html",
    "/{outside}/secret.html",
    "{outside}/secret.html",
    "/file:///etc/passwd",
    "/c:/windows/win.ini",
    "http://127.0.0.1/../secret.html",
    "/.hidden",
    "/data/.git/config",
    "/./index.html",
    "/data/",
    "/data",
    "/link.html",
    "/away/secret.html",
    "/neurons/1/../../../secret.html",
    "/neurons/1/../../1.2.html",
    "/../site-too/secret.html",
    "/" + "a" * 5000,
]


def test_nothing_outside_the_folder(raw: Callable[..., str], tmp_path: Path) -> None:
    answers = {target: raw(target.format(outside=tmp_path)) for target in OUTSIDE}
    assert {target for target, answer in answers.items() if answer.split()[1] not in ("400", "404")} == set()
    for words in (SECRET, "root:", "Traceback", "first page</h1>"):
        assert {target for target, answer in answers.items() if words in answer} == set()


def test_the_raw_server_answers_what_it_should(raw: Callable[..., str]) -> None:
    assert raw("/index.html").split()[1] == "200"
    assert "server:" not in raw("/index.html").lower().split("\r\n\r\n")[0]
    assert raw("/index.html", host="localhost").split()[1] == "421"  # another port


STRANGERS = [
    "evil.example",
    "evil.example:8765",
    "localhost.evil.example:8765",
    "localhost:80",
    "localhost",
    "a b",
    "@",
]


@pytest.mark.parametrize("host", [*STRANGERS, "127.0.0.1:8765", "user@localhost:8765"])
def test_other_hosts_are_refused(client: TestClient, host: str) -> None:
    answer = client.get("/index.html", headers={"host": host})
    assert answer.status_code == 421
    assert "first page" not in answer.text


def test_a_request_needs_one_host(raw: Callable[..., str], client: TestClient) -> None:
    assert raw("/index.html", more="Host: evil.example\r\n").split()[1] == "400"
    assert raw("http://evil.example/index.html").split()[1] == "404"
    twice = [("host", "localhost:8765"), ("host", "evil.example")]
    assert client.get("/index.html", headers=twice).status_code == 421
    assert client.get("/index.html", headers={"host": "LOCALHOST:8765"}).status_code == 200


def test_the_address_that_a_request_arrived_at_is_a_host(maker: Maker) -> None:
    for base, status in (
        ("http://192.168.7.9:8765", 200),
        ("http://[fd00::7]:8765", 200),
        ("http://x:8765", 421),
    ):
        client = TestClient(app(maker.folder, maker, hosts=[]), base_url=base)
        assert client.get("/").status_code == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_only_get_and_head(client: TestClient, method: str) -> None:
    answer = client.request(method, "/neurons/1/3.4.html")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


def test_no_websockets(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/"):
        pass


PATHS = ["", "index.html", "audio/a.mp3", "neurons/1/3.4.html", "nothing.html"]


@pytest.mark.parametrize(
    "token", ["", "/", "/wrong/", f"/{TOKEN.lower()}/", f"/{TOKEN[:-1]}/", f"/{TOKEN}x/", "/ä/"]
)
def test_nothing_without_the_token(guarded: TestClient, maker: Maker, token: str) -> None:
    for path in PATHS:
        answer = guarded.get(f"{token}/{path}", headers={"cookie": f"token={TOKEN}"}, params={"token": TOKEN})
        assert answer.status_code == 403
        assert TOKEN not in answer.text
    assert maker.made == []


def test_everything_with_the_token(guarded: TestClient) -> None:
    statuses = [guarded.get(f"/{TOKEN}/{path}").status_code for path in PATHS]
    assert statuses == [200, 200, 200, 200, 404]
    assert guarded.get(f"/{TOKEN}", follow_redirects=False).headers["location"] == f"/{TOKEN}/"
    assert f'href="/{TOKEN}/index.html"' in guarded.get(f"/{TOKEN}/nothing.html").text
    assert guarded.get(f"/{TOKEN}/%2e%2e/secret.html").status_code == 404
    assert guarded.get(f"/{TOKEN}/", headers={"host": "evil.example"}).status_code == 421


def test_a_neuron_on_demand_is_made_once(raw: Callable[..., str], maker: Maker) -> None:
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(raw, ["/neurons/1/7.1157.html", "/neurons/2/0.0.html"] * 6))
    assert [answer.split("\r\n\r\n")[1] for answer in answers] == ["neuron 7.1157", "neuron 0.0"] * 6
    assert sorted(maker.made) == [(1, 7, 1157), (2, 0, 0)]


def test_files_come_while_neurons_are_made(raw: Callable[..., str], maker: Maker) -> None:
    with ThreadPoolExecutor(60) as pool:
        waiting = [pool.submit(raw, f"/neurons/1/0.{unit}.html") for unit in range(50)]
        begun = time.monotonic()
        while not maker.made and time.monotonic() < begun + 10:
            time.sleep(0.01)
        assert "first page" in raw("/index.html")
        assert len(maker.made) < 25  # of 50
        assert all("200 OK" in each.result() for each in waiting)


@pytest.mark.parametrize(
    "name", ["1/07.1", "0/1.1", "1/1", "1/-1.1", "x/1.1", "1/1.1.1", "1/١.1", "1/1.1e3", "1/ 1.1"]
)
def test_no_neuron_by_another_name(client: TestClient, maker: Maker, name: str) -> None:
    assert client.get(f"/neurons/{name}.html").status_code == 404
    assert maker.made == []


def test_a_neuron_that_cannot_be_made_leaves_the_rest_working(maker: Maker) -> None:
    told: list[str] = []
    served = app(maker.folder, maker, hosts=["localhost:8765"], say=told.append)
    client = TestClient(served, base_url="http://localhost:8765")
    lost, broken, gone = (client.get(f"/neurons/1/{at}.html") for at in ("12.0", "3.666", "3.667"))
    assert (lost.status_code, broken.status_code, gone.status_code) == (404, 500, 500)
    assert "no layer 12 &lt;b&gt;" in lost.text
    assert "KeyError" in broken.text
    assert "Traceback" not in broken.text
    assert "the model has gone" in gone.text
    assert told == [
        "neuron 3.666 of store 1: unexpected KeyError: 'bones'",
        "neuron 3.667 of store 1: the model has gone",
    ]
    assert client.get("/neurons/1/3.668.html").text == "neuron 3.668"
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=100-299", 206, SOUND[100:300]),
        ("bytes=10000-", 206, SOUND[10000:]),
        ("bytes=-7", 206, SOUND[-7:]),
        ("bytes=99999-", 416, b""),
    ],
)
def test_sound_in_parts(client: TestClient, asked: str, status: int, part: bytes) -> None:
    answer = client.get("/audio/a.mp3", headers={"range": asked})
    assert (answer.status_code, answer.content) == (status, part)
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_file_is_sent_once(client: TestClient) -> None:
    tag = client.get("/audio/a.mp3").headers["etag"]
    again = client.get("/audio/a.mp3", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")


def where(host: str, token: bool = False) -> tuple[Address, int]:
    with opened(host, 0) as here:
        return address_of(here, host, token), here.getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_loopback_needs_no_token(host: str) -> None:
    address, port = where(host)
    assert address.token is None
    assert address.url == f"http://{host}:{port}/"
    assert {f"{host}:{port}", f"localhost:{port}", f"[::1]:{port}"} <= address.hosts


def test_a_network_needs_a_token() -> None:
    address, port = where("0.0.0.0")
    assert address.token is not None
    assert len(address.token) >= 32
    assert address.url.endswith(f":{port}/{address.token}/")
    assert f"{socket.gethostname()}:{port}" in address.hosts
    assert where("0.0.0.0")[0].token != address.token
    assert where("127.0.0.1", token=True)[0].token is not None


def test_ipv6_loopback() -> None:
    try:
        address, port = where("::1")
    except UsageError:
        pytest.skip("no IPv6 here")
    assert (address.url, address.token) == (f"http://[::1]:{port}/", None)


def test_a_port_or_host_that_cannot_be_had() -> None:
    with opened("127.0.0.1", 0) as here:
        taken = here.getsockname()[1]
        with (
            pytest.raises(UsageError, match=f"port {taken} of 127.0.0.1 .* --port 0"),
            opened("127.0.0.1", taken),
        ):
            pass
    with pytest.raises(UsageError, match=r"nowhere\.invalid"), opened("nowhere.invalid", 0):
        pass
    with pytest.raises(UsageError, match=r"192\.0\.2\.1"), opened("192.0.2.1", 0):
        pass
    with pytest.raises(UsageError, match="port 70000"), opened("127.0.0.1", 70000):
        pass


def test_the_fixture_has_a_secret(maker: Maker) -> None:
    assert (maker.folder / "away" / "secret.html").read_text() == SECRET
    assert os.path.realpath(maker.folder / "link.html") == str(
        (maker.folder.parent / "secret.html").resolve()
    )
