"""The command line as a user meets it: the whole line on a folder of mixed files, and what goes wrong."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import otoscope
from otoscope import cli

VERBS = (
    "models",
    "tasks",
    "record",
    "info",
    "select",
    "share",
    "probe",
    "ablate",
    "report",
    "demo",
    "pretrain",
)

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command line in this process: exit status, stdout, stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["otoscope", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return call


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tones and noises: WAV, FLAC, OGG and MP3 of various rates and channels."""
    root = tmp_path_factory.mktemp("sounds")
    random = np.random.default_rng(0)
    formats = [("wav", 16000, 1), ("flac", 44100, 2), ("ogg", 22050, 1), ("mp3", 48000, 2), ("wav", 8000, 1)]
    for number in range(10):
        suffix, rate, channels = formats[number % len(formats)]
        time = np.arange(int(1.2 * rate)) / rate
        fading = np.exp(-time * random.uniform(0, 20))
        hiss = random.standard_normal(len(time))
        tone = fading * np.sin(2 * np.pi * 200 * 1.3**number * time) * 0.3 + 0.001 * hiss
        noise = np.cumsum(hiss) * 0.002 if number % 2 else fading * hiss * 0.1
        for kind, wave in (("noise", noise), ("tone", tone)):
            (root / kind).mkdir(exist_ok=True)
            samples = np.stack([wave] * channels, axis=1)
            soundfile.write(root / kind / f"{kind}{number}.{suffix}", samples, rate)
    return root


@pytest.fixture(scope="module")
def store(sounds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of the folder."""
    out = tmp_path_factory.mktemp("stores") / "x.zarr"
    otoscope.record(otoscope.load_model("mini:ssl"), otoscope.load_task(f"folder:{sounds}"), out)
    return out


def test_the_whole_line_on_a_folder_of_mixed_files(run: Run, sounds: Path, tmp_path: Path) -> None:
    store = tmp_path / "x.zarr"

    def document(*arguments: object) -> dict[str, Any]:
        status, out, err = run(*arguments, "--json")
        assert status == 0, err
        return dict(json.loads(out))

    recorded = document("record", "--model", "mini:ssl", "--task", f"folder:{sounds}", "--out", store)
    assert (recorded["clips"], recorded["neurons"], recorded["skipped"]) == (20, 9216, [])
    (label,) = recorded["labelings"]
    found = document("select", store, "--label", label, "--permutations", 20)
    assert {
        "label",
        "classes",
        "preset",
        "neurons",
        "pairs",
        "coverage",
        "depth",
        "by_layer",
        "chance",
    } <= set(found)
    assert set(found["chance"]["depth"]) == {"mean", "low", "high", "p"}
    assert found["neurons"] == sum(found["by_layer"].values()) > 0
    shared = document("share", f"{store}:{label}")
    assert shared
    assert document("probe", store, "--label", label)["accuracy"] > 0.9
    ablated = document("ablate", store, "--label", label, "--class", "tone")
    assert ablated["results"]
    assert set(document("info", store)["results"]) == {
        f"select-{label}",
        f"share-{label}",
        f"probe-{label}.json",
        f"ablate-{label}-tone",
    }
    page = Path(document("report", store, "--out", tmp_path / "report")["report"])
    assert page.is_file()


@pytest.mark.parametrize("verb", ["select", "probe", "ablate"])
def test_people_read_tables_of_80_columns(
    run: Run, store: Path, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    label = next(iter(otoscope.open_store(store).labelings))
    options = ("--permutations", "5") if verb == "select" else ()
    status, out, err = run(verb, store, "--label", label, *options)
    assert status == 0, err
    assert max(len(line) for line in out.splitlines()) <= 80


def test_several_models_make_one_store_each(run: Run, sounds: Path, tmp_path: Path) -> None:
    models = ("--model", "mini:random", "--model", "mini:random@1")
    status, out, err = run(
        "record", *models, "--task", f"folder:{sounds}", "--limit", 4, "--out", tmp_path, "--json"
    )
    assert status == 0, err
    assert [Path(each["store"]).name for each in json.loads(out)["stores"]] == [
        "mini-random.zarr",
        "mini-random-1.zarr",
    ]


def test_models_that_would_share_a_store_are_refused(run: Run, tmp_path: Path) -> None:
    for first, second in (("mini:ssl", "mini:ssl"), ("m2d:A/b", "m2d:a-b")):
        status, _, err = run(
            "record", "--model", first, "--model", second, "--task", "mini:events", "--out", tmp_path
        )
        assert status == 2
        assert f"{first} and {second} would all be recorded into" in err
    assert not list(tmp_path.iterdir())


def test_hook_and_dtype_are_passed_on_and_told(run: Run, sounds: Path, tmp_path: Path) -> None:
    line = ["record", "--model", "mini:ssl", "--task", f"folder:{sounds}", "--limit", 2, "--json"]
    chosen = ["--hook", "residual", "--dtype", "bfloat16"]
    status, out, err = run(*line, "--out", tmp_path / "x.zarr", *chosen)
    assert status == 0, err
    document = json.loads(out)
    assert document["settings"]["dtype"] == "bfloat16"
    assert set(document["model"]["name"].partition("?")[2].split("&")) == {"hook=residual", "dtype=bfloat16"}
    assert document["model"]["layers"][0] == ["blocks.0", 192]
    status, _, err = run(*line, "--out", tmp_path / "x.zarr", "--hook", "residual")
    assert status == 1
    assert "dtype: the store has bfloat16, you gave float32" in err
    status, out, err = run(*line, "--out", tmp_path / "y.zarr", "--hook", "nonsense")
    assert status == 2
    assert "nonsense" in err


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_with_an_example(
    run: Run, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    status, out, _ = run(verb, "--help")
    assert status == 0
    assert f"otoscope {verb}" in out.split("Example")[1]
    assert "--json" in out
    assert max(len(line) for line in out.splitlines()) <= 80


@pytest.mark.parametrize("verb", ["models", "tasks"])
def test_what_exists_is_listed(run: Run, verb: str) -> None:
    _, out, _ = run(verb, "--json")
    names = {row["name"].split(":")[0] for row in json.loads(out)[verb]}
    assert {
        "models": {"m2d", "mini", "random"},
        "tasks": {"folder", "manifest", "esc50", "cremad", "gtzan", "mini"},
    }[verb] <= names


def test_misuse_exits_with_2(run: Run, store: Path) -> None:
    for arguments, words in (
        (("select", store, "--label", "colour"), "no labeling 'colour'"),
        (("select", store), "--label"),
        (("share", "nonsense"), "expected STORE:LABEL"),
        (("listn",), "No such command"),
        (("record", "--model", "m3d:x", "--task", "mini:events", "--out", "x"), "m3d"),
        (("ablate", store, "--label", "class", "--neuron", "7-3"), "7-3"),
        (("ablate", store, "--label", "class", "--neuron", "99.3"), "99"),
    ):
        status, out, err = run(*arguments)
        assert (status, out) == (2, ""), (arguments, status, err)
        assert words in err


def test_failure_exits_with_1_and_one_line(run: Run, tmp_path: Path) -> None:
    status, out, err = run("select", tmp_path / "none.zarr", "--label", "class")
    assert (status, out) == (1, "")
    assert err.startswith("otoscope: ")
    assert "does not exist" in err
    assert err.count("\n") == 1


def test_a_traceback_only_with_debug(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["otoscope", "info", str(tmp_path / "none"), "--debug"])
    with pytest.raises(otoscope.errors.OtoscopeError):
        cli.main()


def test_our_own_mistakes_are_called_so(run: Run, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("otoscope.neurons.select", broken)
    status, _, err = run("select", store, "--label", "class")
    assert status == 1
    assert "unexpected ZeroDivisionError" in err
    assert "--debug" in err


def test_info_says_which_modules_the_neurons_are_of(run: Run, store: Path) -> None:
    assert "neurons: 12 x 768, at blocks.*.mlp.act" in run("info", store)[1]


def test_ctrl_c_exits_with_130(run: Run, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("otoscope.neurons.select", interrupted)
    assert run("select", store, "--label", "class")[0] == 130


def test_the_command_line_imports_nothing_heavy() -> None:
    code = (
        "import sys, otoscope.cli; "
        "heavy = {'torch', 'numpy', 'pandas', 'xarray', 'librosa', 'matplotlib'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_name_at_the_top_is_there() -> None:
    for name in otoscope.__all__:
        assert callable(getattr(otoscope, name))
    with pytest.raises(AttributeError, match="has no attribute 'recrod'; it has"):
        _ = otoscope.recrod
