"""`otoscope serve` as a user meets it: a process that prints its address, answers, and ends on Ctrl-C."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from importlib import util
from pathlib import Path

import pytest

import otoscope
from otoscope import cli
from otoscope.reporting import serving

Start = Callable[..., tuple[subprocess.Popen[str], str]]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small recording."""
    out = tmp_path_factory.mktemp("stores") / "events.zarr"
    otoscope.record(otoscope.load_model("mini:ssl"), otoscope.load_task("mini:events").head(12), out)
    return out


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a server whose temporary files lie in a folder of its own; returns it and its address."""
    begun = []

    def begin(
        *arguments: object, code: str = "from otoscope.cli import main; main()"
    ) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code, "serve", *map(str, arguments), "--port", "0", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(tmp_path), "OMP_NUM_THREADS": "1"},
        )
        begun.append(process)
        assert process.stdout is not None
        document = ""
        while not document.endswith("}\n"):
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            document += line
        return process, json.loads(document)["url"]

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def get(url: str, host: str = "") -> tuple[int, str]:
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_serves_every_neuron_and_ends_on_ctrl_c(store: Path, start: Start, tmp_path: Path) -> None:
    before = sorted(store.rglob("*"))
    process, url = start(store)
    assert url.startswith("http://127.0.0.1:")
    status, text = get(url)
    assert (status, "neurons.html" in text) == (200, True)
    status, text = get(f"{url}neurons/1/3.14.html")
    assert (status, "3.14" in text) == (200, True)
    sound = text.split('src="../../audio/')[1].split('"')[0]
    with urllib.request.urlopen(
        urllib.request.Request(f"{url}audio/{sound}", headers={"Range": "bytes=0-9"}), timeout=60
    ) as answer:
        assert (answer.status, len(answer.read())) == (206, 10)
    assert get(f"{url}neurons/1/99.14.html")[0] == 404
    assert get(f"{url}neurons/2/3.14.html")[0] == 404
    assert get(url, host="evil.example")[0] == 421
    assert list(tmp_path.glob("otoscope-*"))
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in told
    assert not list(tmp_path.glob("otoscope-*"))
    assert sorted(store.rglob("*")) == before


SLOW = """
import time
from otoscope.reporting import building

class Pages:
    def __init__(self, folder):
        self.folder = folder

    def write(self, number, neurons):
        (self.folder / "begun.html").touch()
        time.sleep(4)
        (self.folder / "neurons").mkdir(parents=True)

def build(recorded, folder, **options):
    (folder / "index.html").write_text("first")
    return Pages(folder)

building.build = build
from otoscope.cli import main
main()
"""
"""A site of one page, with neurons that take longer than a server waits for an answer."""


def test_a_token_for_the_network(store: Path, start: Start, tmp_path: Path) -> None:
    process, url = start(store, "--host", "0.0.0.0", code=SLOW)
    port, token = url.split(":")[2].strip("/").split("/")
    here = f"http://127.0.0.1:{port}/"
    assert len(token) >= 32
    assert get(f"{here}{token}/") == (200, "first")
    assert {get(f"{here}{path}")[0] for path in ("", "index.html", "x/index.html", f"?token={token}")} == {
        403
    }
    process.send_signal(signal.SIGINT)
    assert token not in process.communicate(timeout=60)[1]


def test_nothing_is_left_of_a_page_in_the_making(store: Path, start: Start, tmp_path: Path) -> None:
    process, url = start(store, code=SLOW)
    with socket.create_connection(("127.0.0.1", int(url.split(":")[2].strip("/")))) as line:
        line.sendall(f"GET /neurons/1/1.1.html HTTP/1.1\r\nHost: {url[7:-1]}\r\n\r\n".encode())
        while process.poll() is None and not list(tmp_path.glob("otoscope-*/begun.html")):
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in told
    assert not list(tmp_path.glob("otoscope-*"))


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["otoscope", "serve", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0)


def test_without_the_extra(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def found(name: str) -> object:
        return None if name == "uvicorn" else util.find_spec(name)

    monkeypatch.setattr(serving, "find_spec", found)
    assert run(monkeypatch, store) == 1
    assert "uvicorn, which is not installed; try pip install 'otoscope[serve]'" in capsys.readouterr().err


def test_what_cannot_be_served(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path / "nothing.zarr") != 0
    assert "nothing.zarr" in capsys.readouterr().err
    with serving.opened("127.0.0.1", 0) as here:
        assert run(monkeypatch, store, "--port", here.getsockname()[1]) == 2
    assert "--port 0" in capsys.readouterr().err
