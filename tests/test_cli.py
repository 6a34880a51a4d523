"""The command line as a user meets it: the whole line on a folder of mixed files, and what goes wrong."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile

import otoscope
from otoscope import cli
from otoscope.cli.app import ORDER
from otoscope.console import printing, sharing

VERBS = (
    "models",
    "tasks",
    "tasks check",
    "record",
    "info",
    "select",
    "share",
    "compare-selectors",
    "describe",
    "probe",
    "ablate",
    "listen",
    "report",
    "serve",
    "run",
    "demo",
    "pretrain",
    "power",
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
    probed = document("probe", store, "--label", label)
    assert probed["accuracy"] == probed["by_probe"]["logistic"]["accuracy"] > 0.9
    assert set(probed["by_probe"]["evar"]) == {"accuracy", "interval", "fold_accuracy"}
    ablated = document("ablate", store, "--label", label, "--class", "tone")
    assert ablated["results"]
    assert set(document("info", store)["results"]) == {
        f"select-{label}-specific",
        f"share-{label}",
        f"probe-{label}.json",
        f"ablate-{label}-tone",
    }
    page = Path(document("report", store, "--out", tmp_path / "report")["report"])
    assert page.is_file()


def test_twins_are_recorded_shown_and_asked(run: Run, sounds: Path, tmp_path: Path) -> None:
    store = tmp_path / "x.zarr"
    line = ["record", "--model", "mini:ssl", "--task", f"folder:{sounds}", "--limit", 6, "--out", store]
    _, out, _ = run(*line)
    assert "twin not recorded" in out
    assert (
        "twin not recorded"
        in run("select", store, "--label", "class", "--preset", "aape", "--permutations", 2)[1]
    )
    status, out, _ = run(*line, "--twins", 1)
    assert status == 0
    assert "twins: random-0" in out
    assert "twins: random-0" in run("info", store)[1]
    _, out, _ = run("select", store, "--label", "class", "--preset", "aape", "--permutations", 2, "--json")
    twins = json.loads(out)["twins"]
    assert [twin["twin"] for twin in twins["counts"]] == ["random-0"]
    assert twins["note"] == ""
    assert "random-0" in run("select", store, "--label", "class", "--preset", "aape", "--permutations", 2)[1]
    line[2], line[-1] = "random:mini:ssl", tmp_path / "y.zarr"
    status, _, err = run(*line, "--twins", 1)
    assert status == 2
    assert "is untrained itself and has no twins" in err


@pytest.mark.parametrize("verb", ["select", "probe"])
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
    status, out, _ = run(*verb.split(), "--help")
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


def test_tasks_are_listed_with_all_that_their_readers_state(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    (esc50,) = [row for row in json.loads(run("tasks", "--json")[1])["tasks"] if row["name"] == "esc50:DIR"]
    assert {"also", "about", "needs", "layout", "splits", "obtain", "citation"} <= set(esc50)
    assert esc50["labelings"] == {"category": 50, "esc10": 10}
    assert (esc50["clips"], esc50["evar_seconds"], esc50["licence"][:5]) == (2000, 5.0, "CC BY")
    status, out, _ = run("tasks")
    assert status == 0
    assert max(len(line) for line in out.splitlines()) <= 80
    for words in ("esc50:DIR", "2,000", "category (50), esc10 (10)", "five folds", "CC BY-NC", "Piczak"):
        assert words in out


def test_tasks_check_reports_and_writes_a_manifest_to_record_from(
    run: Run, sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    status, out, err = run("tasks", "check", f"folder:{sounds}", "--deep")
    assert status == 0, err
    assert "wrong" not in out
    assert "20 of 20 clips can be used" in out
    assert f"wrote {sounds.name}.manifest.parquet" in out
    assert max(len(line) for line in out.splitlines()) <= 80
    task = f"manifest:{sounds.name}.manifest.parquet"
    whole = otoscope.load_task(f"folder:{sounds}")
    assert otoscope.load_task(task).fingerprint == whole.fingerprint
    recorded = run("record", "--model", "mini:ssl", "--task", task, "--limit", 4, "--out", "x.zarr", "--json")
    assert recorded[0] == 0, recorded[2]
    assert json.loads(recorded[1])["skipped"] == []
    clips = otoscope.open_store(tmp_path / "x.zarr").clips
    assert list(clips["sha256"]) == list(clips["expected_sha256"])


def test_tasks_check_exits_with_1_after_the_whole_report(
    run: Run, sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(sounds, copy)
    (copy / "tone" / "tone1.flac").write_bytes(b"")
    status, out, _ = run("tasks", "check", f"folder:{copy}", "--out", "good.csv", "--json")
    assert status == 1
    document = json.loads(out)
    assert (document["clips"], document["usable"], document["manifest"]) == (20, 19, "good.csv")
    assert document["bad"][0]["clip"] == "tone/tone1.flac"
    assert document["problems"][0].startswith("1 file: is empty (0 bytes)")
    assert document["labelings"]["class"]["classes"]["tone"] == {"all": 10}
    assert (tmp_path / "good.csv").is_file()
    status, out, _ = run("tasks", "check", f"folder:{copy}")
    assert status == 1
    assert "19 of 20 clips can be used" in out
    assert max(len(line) for line in out.splitlines()) <= 80


def test_a_limited_check_writes_no_manifest_unless_asked(
    run: Run, sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    line = ("tasks", "check", f"folder:{sounds}", "--limit", 2, "--json")
    status, out, _ = run(*line)
    document = json.loads(out)
    assert (status, document["clips"], document["manifest"]) == (0, 2, None)
    assert not list(tmp_path.iterdir())
    assert run(*line, "--out", "x.parquet")[0] == 0
    assert (tmp_path / "x.parquet").is_file()


def test_the_task_that_check_names_can_be_pasted_into_a_shell(
    run: Run, sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(sounds, tmp_path / "my sounds")
    out = run("tasks", "check", "folder:my sounds", "--out", "my clips.parquet")[1]
    assert "\n  --task 'manifest:my clips.parquet'\n" in out


def test_a_task_without_a_good_clip_is_reported_too(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("cat/a.wav", "cat/b.wav", "dog/a.wav", "dog/b.wav"):
        (tmp_path / "pets" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pets" / name).write_bytes(b"")
    for options in ((), ("--json",), ("--deep",)):
        status, out, err = run("tasks", "check", "folder:pets", *options)
        assert status == 1, err
        assert "4 files: is empty" in out
        assert ("no manifest is written" in out) == ("--json" not in options)
    assert not list(tmp_path.glob("*.parquet"))


def test_record_reads_headers_once_and_names_a_few_of_many_bad_files(
    run: Run, sounds: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(sounds, copy)
    for number in range(30):
        (copy / "tone" / f"bad{number:02}.wav").write_bytes(b"")
    status, _, err = run("record", "--model", "mini:ssl", "--task", f"folder:{copy}", "--out", tmp_path / "x")
    assert status == 1
    assert "30 clips cannot be recorded; nothing was recorded" in err
    assert err.count("is empty") == 20
    assert "and 10 more; `otoscope tasks check` tells all of them by kind" in err


def test_misuse_exits_with_2(run: Run, store: Path) -> None:
    for arguments, words in (
        (("select", store, "--label", "colour"), "no labeling 'colour'"),
        (("select", store), "--label"),
        (("share", "nonsense"), "expected STORE:LABEL"),
        (("listn",), "No such command"),
        (("tasks", "listn"), "No such command"),
        (("tasks", "check", "nonsense:x"), "no task is called"),
        (("tasks", "check", "mini:events", "--out", "x.txt"), "end in .parquet or .csv"),
        (("record", "--model", "m3d:x", "--task", "mini:events", "--out", "x"), "m3d"),
        (
            ("record", "--model", "mini:ssl", "--task", "mini:events", "--out", "x", "--evar-lengths"),
            "EVAR knows no length for mini:events",
        ),
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


def test_no_count_without_chance_and_twins(run: Run, sounds: Path, tmp_path: Path) -> None:
    store = tmp_path / "x.zarr"
    assert run("record", "--model", "mini:ssl", "--task", f"folder:{sounds}", "--out", store)[0] == 0
    status, out, _ = run("select", store, "--label", "class", "--permutations", 0)
    assert status == 0
    assert "no count is shown without what permuted labels give" in out
    assert "neurons by class:" not in out
    _, out, _ = run("select", store, "--label", "class", "--permutations", 3)
    assert "candidates tested on 5 clips a class" in out
    assert "chance: 3 permutations" in out
    said = " ".join(out.split())
    assert f"twin not recorded; otoscope record --model mini:ssl --task folder:{sounds} --out" in said


def test_the_list_of_verbs_says_whole_sentences_in_the_order_of_work(run: Run) -> None:
    _, out, _ = run("--help")
    listed = out[out.index("Commands:") :]
    assert "..." not in listed
    places = [listed.index(f"\n  {verb} ") for verb in ORDER]
    assert places == sorted(places)


def test_a_long_side_of_shared_neurons_goes_downwards_and_counts_have_their_names_apart() -> None:
    wide = pd.DataFrame([["1/0.5"] * 12], index=["female"], columns=[f"event{n}" for n in range(12)])
    (table,) = sharing._matrix(wide)
    assert (len(table.columns), table.row_count) == (2, 12)
    assert list(printing.counts_line("neurons by layer", {"0": 6, "1": 12})) == [
        "neurons by layer: 0 (6), 1 (12)"
    ]


def test_what_the_system_refuses_is_one_line_with_the_path(capsys: pytest.CaptureFixture[str]) -> None:
    cli._complain(FileExistsError(17, "File exists", "results"))
    said = (
        "otoscope: results: file exists; expected a path that can be read and written; try another, such as "
    )
    assert capsys.readouterr().err == f"{said}--out FOLDER\n"
