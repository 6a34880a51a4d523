"""The verb `acoustics`, and the figures of what it finds."""

import json
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
import soundfile
from matplotlib.figure import Figure

from otoscope import cli, plots
from otoscope.activations import open_store, record_twins
from otoscope.descriptors import describe
from otoscope.errors import UsageError
from otoscope.models import load_model
from otoscope.neurons.meaning.account import Acoustics
from otoscope.tasks import Labeling, Task

RATE = 16000
PITCHES = (200, 400, 800, 1600, 3200, 6400)


@pytest.fixture
def run(capsys, monkeypatch):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["otoscope", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "80")
        try:
            cli.main()
            status = 0
        except SystemExit as stop:
            status = stop.code or 0
        return (status, *capsys.readouterr())

    return call


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Six classes of tones, five clips each, and two clips of silence among them, by the miniature."""
    folder = tmp_path_factory.mktemp("sounds")
    random = np.random.default_rng(0)
    rows = []
    for number in range(30):
        pitch = PITCHES[number % 6]
        time = np.arange(RATE // 4) / RATE
        sound = random.uniform(0.01, 0.3) * np.sin(2 * np.pi * pitch * time) + random.normal(
            0, 1e-3, len(time)
        )
        path = folder / f"{number}.wav"
        soundfile.write(path, (sound * (number not in (0, 7))).astype(np.float32), RATE, subtype="FLOAT")
        rows.append({"clip": path.name, "path": str(path), "pitch": f"{pitch} Hz"})
    table = pd.DataFrame(rows)
    labeling = Labeling("pitch", "pitch", tuple(f"{pitch} Hz" for pitch in PITCHES))
    model = load_model("mini:ssl")
    return record_twins(model, Task("tones", table, (labeling,)), folder / "x.zarr", 1, rows=True)


def test_the_verb_describes_tells_and_keeps(run, store, tmp_path):
    status, out, err = run("acoustics", store.path, "--label", "pitch", "--preset", "aape")
    assert status == 0, err
    assert (store.path / "descriptors.parquet").is_file()
    assert "neurons by aape, beside 67 descriptors" in out
    assert "known of 28 of 30 clips" in out.replace("\n", " ").replace("  ", " ")
    assert "selectivity (eta squared, mean)" in out.replace("\n", " ")
    assert max(len(line) for line in out.splitlines()) <= 80
    assert "the same in twins: random-0 " in out
    kept = Acoustics.load(store.results / "acoustics-pitch")
    assert kept.twins is not None
    assert kept.twins[["twin", "neurons"]].to_numpy().tolist() == [["random-0", 9216]]
    assert {"low_hz", "reliability", "before", "after"} <= set(kept.neurons.columns)
    assert len(kept.correlations) == len(kept.neurons)
    assert kept.plot(Figure().subplots()).get_ylabel() == "after the descriptors are regressed out"
    assert len(kept.plot_correlations(Figure().subplots()).get_xticklabels()) == 67
    status, out, err = run(
        "acoustics", store.path, "--label", "pitch", "--neuron", "3.17", "--json", "--out", tmp_path / "out"
    )
    assert status == 0, err
    document = json.loads(out)
    assert document["chosen_by"] == "given"
    assert [(row["layer"], row["unit"]) for row in document["neurons"]] == [(3, 17)]
    assert (tmp_path / "out" / "neurons.csv").is_file()
    status, out, err = run("acoustics", store.path, "--label", "pitch", "--neuron", "3.17", "--out", tmp_path)
    assert status == 0, err
    assert "listens to" in out
    assert "3.17" in out


def test_a_twin_can_be_asked_too(run, store):
    """It hears the same clips: what the other test has measured of them is laid beside it."""
    (twin,) = store.twins
    describe(store)
    shutil.copy(store.path / "descriptors.parquet", twin.path)
    status, out, err = run("acoustics", twin.path, "--label", "pitch", "--preset", "aape", "--json")
    assert status == 0, err
    assert json.loads(out)["follows"]["neurons"] == 9216
    assert len(open_store(twin.path).rows) == 5


def test_errors_are_one_line(run, store, tmp_path):
    for arguments, told in (
        (["--label", "pitsch"], "has no labeling 'pitsch'"),
        (["--label", "pitch", "--neuron", "3-17"], "not of the form LAYER.UNIT"),
        (["--label", "pitch", "--neuron", "30.1"], "no layer 30; expected 0 to 11"),
        (["--label", "pitch", "--permutations", "5"], "5 permutations and alpha 0.05"),
        (["--label", "pitch", "--distance", tmp_path / "no.csv"], "cannot be read as a table of distances"),
    ):
        status, _, err = run("acoustics", store.path, *arguments)
        assert status == 2
        assert told in err
        assert "Traceback" not in err


def test_figures_refuse_what_they_cannot_draw():
    with pytest.raises(UsageError, match="the table is empty"):
        plots.following(pd.DataFrame())
    with pytest.raises(UsageError, match="column 'after' not found"):
        plots.before_after(pd.DataFrame({"before": [0.1]}))
    ax = plots.before_after(
        pd.DataFrame({"before": [np.nan], "after": [np.nan], "after_chance": [np.nan], "follows": [""]}),
        Figure().subplots(),
    )
    assert not ax.collections
    bars = plots.regression(
        pd.DataFrame({"predictor": ["acoustic", "$words"], "beta": [-0.5, 0.2], "p": [0.01, 0.4]}),
        Figure().subplots(),
    )
    assert [text.get_text() for text in bars.texts] == ["p 0.010", "p 0.400"]
    many = plots.following(pd.DataFrame(np.zeros((50, 3)) + 0.1, columns=list("abc")), Figure().subplots())
    assert many.get_ylabel() == "50 neurons"
