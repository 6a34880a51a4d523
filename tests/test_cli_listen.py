"""`otoscope listen` as a user meets it."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

import otoscope
from otoscope import cli

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command line in this process, in a terminal of 80 columns: exit status, stdout, stderr."""
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["otoscope", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return call


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small recording."""
    out = tmp_path_factory.mktemp("stores") / "events.zarr"
    otoscope.record(otoscope.load_model("mini:ssl"), otoscope.load_task("mini:events").head(60), out)
    return out


def test_a_neuron_is_told_in_80_columns_and_saved(run: Run, store: Path) -> None:
    code, out, err = run("listen", store, "--neuron", "3.17", "--examples", 2)
    assert (code, err) == (0, "")
    assert max(map(cell_len, out.splitlines())) <= 80
    card = otoscope.listen(store, "3.17", examples=2)
    said = " ".join(out.split())
    for sentence in card.sentences:
        assert " ".join(sentence.split()) in said
    for example in card.examples:
        assert f"{example.fired}/{example.tokens}" in out
    folder = store / "results" / "listen-3.17"
    assert len(list(folder.glob("*.wav"))) == 2 * len(card.examples)
    assert (folder / "card.png").read_bytes().startswith(b"\x89PNG")
    assert "<h1" in (folder / "card.html").read_text(encoding="utf-8")


def test_json_has_a_card_for_each_neuron_once(run: Run, store: Path, tmp_path: Path) -> None:
    asked = ["--neuron", "0.0", "--neuron", "11.5", "--neuron", "0.0"]
    code, out, _ = run("listen", store, *asked, "--no-sound", "--out", tmp_path, "--json")
    assert code == 0
    found = json.loads(out)["cards"]
    assert [card["neuron"] for card in found] == [[0, 0], [11, 5]]
    assert all(example["stretches"] is None for card in found for example in card["examples"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["listen-0.0", "listen-11.5"]
    assert not list(tmp_path.rglob("*.wav"))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["--neuron", "3"], "is not of the form LAYER.UNIT"),
        (["--neuron", "12.0"], "no layer 12; expected 0 to 11"),
        (["--neuron", "0.0", "--model", "mini:supervised"], "the same weights and front end"),
        ([], "Missing option '--neuron'"),
    ],
)
def test_what_cannot_be_is_said(run: Run, store: Path, asked: list[str], told: str) -> None:
    code, out, err = run("listen", store, *asked)
    assert code in (1, 2)
    assert told in " ".join(err.split())
    assert out == ""
