"""The verb ablate: every design by its options, where results lie, what people read, and what goes wrong."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import otoscope
from otoscope import cli, console
from otoscope.activations import record
from otoscope.cli.designs import folder, line
from otoscope.files import read_saved, to_json, write_json
from otoscope.interventions import Target, ablate, given, layers_of
from otoscope.interventions.effects.verdicts import CONTROLS
from otoscope.neurons import planted
from otoscope.reporting.collect import collect
from otoscope.reporting.commands import commands

NAMED = ("--neurons", "kawamura2026:anger-happiness")


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    clips = tmp_path_factory.mktemp("clips")
    return planted(clips, classes=3, detectors=1, units=100, design="crossed", groups=6, seconds=0.5)


@pytest.fixture
def store(toy, tmp_path):
    return record(toy.model, toy.task, tmp_path / "toy.zarr")


@pytest.fixture
def run(store, toy, capsys, monkeypatch):
    """Run `ablate` on the toy, in this process and an 80-column terminal: exit status, stdout, stderr."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("otoscope.models.load_model", lambda _: toy.model)

    def call(*arguments, label="tone"):
        words = ["otoscope", "ablate", store.path, "--label", label, *arguments]
        monkeypatch.setattr(sys, "argv", [str(each) for each in words])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return int(stop.value.code or 0), *capsys.readouterr()

    return call


@pytest.fixture
def document(run):
    """What `ablate --json` prints, controls and seeds being few."""

    def call(*arguments):
        few = ("--probe-seeds", 1, *(() if "--match" in arguments else ("--match", "layer")))
        status, out, err = run(*arguments, *few, "--json")
        assert status == 0, err
        return json.loads(out)

    return call


def places(store):
    return {path.name for path in Path(store.results).iterdir()}


@pytest.mark.parametrize(
    ("options", "targets", "place"),
    [
        ((), ["200 Hz", "400 Hz", "600 Hz"], "ablate-tone"),
        (("--class", "200 Hz", "--class", "600 Hz"), ["200 Hz+600 Hz"], "ablate-tone-200-Hz-600-Hz"),
        (("--pairs",), ["200 Hz+400 Hz", "200 Hz+600 Hz", "400 Hz+600 Hz"], "ablate-tone-pairs"),
        (("--all",), ["all"], "ablate-tone-all"),
        (("--neuron", "0.7", "--neuron", "1.3"), ["given"], "ablate-tone-0.7-1.3"),
        (("--all", "--gain", 0, "--gain", 0.5), ["all x0", "all x0.5"], "ablate-tone-all-gain-0-0.5"),
        (
            ("--all", "--count", 1, "--count", 2, "--rank-by", "random"),
            ["all, 1 by random", "all, 2 by random"],
            "ablate-tone-all-count-1-2-rank-by-random",
        ),
        (
            ("--all", "--by-layer"),
            ["all, layer 0", "all, layer 1", "all, layer 2"],
            "ablate-tone-all-by-layer",
        ),
        (("--all", "--how", "mean"), ["all"], "ablate-tone-all-how-mean"),
        (("--all", "--clips", 6), ["all"], "ablate-tone-all-clips-6"),
        (
            ("--all", "--how", "clamp", "--value", 0.25),
            ["all"],
            "ablate-tone-all-how-clamp-value-0.25",
        ),
    ],
)
def test_each_design_has_its_targets_and_its_folder(document, store, options, targets, place):
    found = document(*options)
    assert [each["target"] for each in found["results"]] == targets
    assert places(store) == {place}
    assert (Path(store.results) / place / "outcomes").is_dir()
    assert read_saved(Path(store.results) / place, "ablation.json") == found


def test_selectors_give_as_many_neurons_for_each_class(document):
    found = document("--selector", "auroc", "--selector", "lap", "--count", 2)
    assert {each["at"] for each in found["results"]} == {"auroc", "lap"}
    assert {each["neurons"] for each in found["results"]} == {2}


def test_neurons_are_read_from_a_file_and_chosen_in_another_store(document, store, toy, tmp_path):
    write_json(tmp_path / "mine.json", {"600 Hz": [[0, 3], [1, 4]]})
    (read,) = document("--neurons", tmp_path / "mine.json", "--gain", 2)["results"]
    assert (read["target"], read["addresses"], read["level"]) == ("600 Hz", [[0, 3], [1, 4]], 2.0)
    other = record(toy.model, toy.task, tmp_path / "other.zarr")
    chosen = document("--from", other.path, "--from-label", "tone", "--class", "400 Hz")["results"]
    assert [each["target"].split("@")[0] for each in chosen] == ["tone:400 Hz"]
    assert places(store) == {
        "ablate-tone-mine.json-gain-2",
        "ablate-tone-400-Hz-from-other.zarr-from-label-tone",
    }


def test_the_published_lists_run_by_one_option(run, monkeypatch):
    asked = []

    def neurons_of(name, *, level):
        asked.append((name, level))
        return given([(0, 1)], name=name, level=level)

    monkeypatch.setattr("otoscope.interventions.named", neurons_of)
    status, _, err = run(*NAMED, "--probe", "evar", "--match", "layer", "--probe-seeds", 1)
    assert status == 0, err
    assert asked == [("kawamura2026:anger-happiness", 0.0)]


def test_more_controls_hear_only_the_new_ones_and_the_command_goes_on(document, store, monkeypatch):
    heard = []
    real = np.savez

    def saved(path, **arrays):
        heard.append(int(arrays["done"].sum()))
        real(path, **arrays)

    monkeypatch.setattr("otoscope.interventions.experiment.np.savez", saved)
    few = document("--all")
    more = document("--all", "--controls", 25)
    assert places(store) == {"ablate-tone-all"}
    assert (few["draws"], more["draws"]) == (20, 25)
    assert more["results"][0]["by_category"]["200 Hz"]["margin"]["by_match"]["layer"]["controls"] == 25
    assert heard[0] < heard[-1]


def test_what_can_be_seen_is_said_on_stderr_before_and_json_stays_clean(run):
    status, out, err = run("--all", "--match", "layer", "--probe-seeds", 1, "--json")
    assert status == 0
    assert "with 20 sets of a kind no p is below 0.048" in " ".join(err.split())
    assert json.loads(out)["label"] == "tone"


def test_the_report_repeats_the_commands(document, store):
    document("--all", "--gain", 0, "--gain", 0.5)
    document("--class", "200 Hz", "--seed", 1)
    lines = [
        each
        for each in commands(collect([store])[0])
        if each.startswith("otoscope ablate") and "--label tone" in each
    ]
    assert lines == [
        "otoscope ablate toy.zarr --label tone --class '200 Hz' --match layer --probe-seeds 1 --seed 1",
        "otoscope ablate toy.zarr --label tone --all --gain 0 --gain 0.5 --match layer --probe-seeds 1",
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--all", "--pairs"), ("--all", "--pairs")),
        (("--class", "200 Hz", "--neuron", "0.1"), ("--class", "--neuron")),
        (("--preset", "lape", "--neuron", "0.1"), ("--preset", "--neuron")),
        (("--from", "x.zarr", *NAMED), ("--from", "--neurons")),
        (("--from", "x.zarr"), ("--from-label",)),
        (("--from-label", "gender"), ("--from", "the store that has this labeling")),
        (("--all", "--gain", "nan"), ("--gain is nan", "finite")),
        (("--all", "--how", "clamp"), ("--value",)),
        (("--all", "--value", 1), ("clamp",)),
        (("--all", "--how", "mean", "--gain", 0.5), ("--gain", "--how mean")),
        (("--count", 3), ("--count", "--all")),
        (("--all", "--count", 0), ("--count",)),
        (("--all", "--rank-by", "random"), ("--rank-by", "--count")),
        (("--all", "--count", 1, "--rank-by", "nope"), ("'nope'", "entropy")),
        (("--selector", "auroc"), ("--count", "for each class")),
        (("--selector", "auroc", "--count", 1, "--count", 2), ("one number",)),
        (("--selector", "nope", "--count", 1), ("'nope'", "auroc")),
        (("--all", "--by-layer", "--gain", 0, "--gain", 2), ("--gain", "--by-layer")),
        (("--all", "--gain", 0, "--gain", 0), ("each once",)),
        (("--all", "--preset", "nope"), ("'nope'", "aape")),
        (("--all", "--match", "nope"), ("'nope'", "displacement")),
        (("--all", "--controls", 19), ("--controls", "20")),
        (("--class", "purple"), ("'purple'", "200 Hz")),
        (("--neuron", "7-3"), ("7-3",)),
        (("--neuron", "99.3"), ("no layer 99",)),
        (("--neurons", "kawamura2026:angry"), ("kawamura2026:anger-happiness",)),
        (("--neurons", "none.json"), ("none.json is not a file",)),
        (("--probe", "own"), ("classifier of its own",)),
    ],
)
def test_misuse_exits_with_2_before_any_work(run, store, options, words):
    status, out, err = run(*options)
    assert (status, out) == (2, ""), err
    for word in words:
        assert word in err
    assert not Path(store.results).exists()


def test_a_store_of_other_weights_is_refused(run, store, toy, tmp_path):
    clips = tmp_path / "clips"
    clips.mkdir()
    other = planted(clips, classes=3, detectors=1, units=90, design="crossed", groups=6, seconds=0.5)
    there = record(other.model, other.task, tmp_path / "other.zarr")
    status, out, err = run("--from", there.path, "--from-label", "tone")
    assert (status, out) == (1, "")
    assert "expected the same weights" in err


def test_folders_tell_designs_apart_and_have_names_of_bearable_length():
    assert folder("a b", {"--match": ["layer"], "--controls": 40, "--device": "cuda"}) == "ablate-a-b"
    many = {"--neuron": [f"7.{unit}" for unit in range(50)]}
    assert len(folder("x", many)) < 90
    assert folder("x", many) != folder("x", {"--neuron": [*many["--neuron"], "7.99"]})
    asked = {"--label": "x", "--from": "/home/me/o.zarr", "--all": True, "--gain": [0.0, 0.5], "--out": "r"}
    assert line(asked) == ["--from", "o.zarr", "--all", "--gain", "0", "--gain", "0.5"]


def shown(ablation, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    console.show({}, False, console.ablation_lines(ablation))
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    return out


def test_people_read_each_class_beside_controls_in_80_columns(store, toy, capsys, monkeypatch):
    out = shown(ablate(store, "tone", model=toy.model, probe_seeds=1), capsys, monkeypatch)
    assert "tone with neurons off; logistic probe, 24 test clips" in out
    accuracy, rest = out.split("margin, logits")
    margin, kinds = rest.split("moved: how far")
    for name in ("200 Hz", "400 Hz", "600 Hz"):
        assert f"\n{name} (1) " in accuracy
        assert f"\n{name} (1) " in margin
        assert f"\n{name} " in kinds
    assert "-/+" in accuracy
    assert f"{CONTROLS['displacement']} in their place" in " ".join(out.split())
    assert "displacement" in kinds
    assert "Self against cross over 3 classes" in out


def test_a_target_without_classes_shows_all_and_a_series_a_row_a_point(store, toy, capsys, monkeypatch):
    listed = ablate(
        store, "tone", model=toy.model, targets=given([(0, 5), (1, 7)]), matched=(), probe_seeds=1
    )
    out = shown(listed, capsys, monkeypatch)
    assert "No control sets" in out
    assert out.count(" 400 Hz ") == 2  # accuracy, margin
    series = layers_of(given([(0, 5), (1, 7)]))
    out = shown(
        ablate(store, "tone", model=toy.model, targets=series, matched=("layer",), probe_seeds=1),
        capsys,
        monkeypatch,
    )
    rows = [row.split()[:3] for row in out.splitlines() if row.startswith(("given  ", "        "))]
    assert ["given", "0", "1"] in rows
    assert ["1", "1"] in [row[:2] for row in rows]


def test_many_targets_have_rows_and_no_sentences_of_their_own(tmp_path, capsys, monkeypatch):
    toy = planted(
        tmp_path / "clips", classes=12, detectors=1, units=100, design="crossed", groups=4, seconds=0.3
    )
    store = record(toy.model, toy.task, tmp_path / "toy.zarr")

    def each_class(learning):
        names = learning.labeling.classes
        return [Target(name, (name,), ((0, 2 * k), (1, k))) for k, name in enumerate(names)]

    found = ablate(store, "tone", model=toy.model, targets=each_class, matched=("layer",), probe_seeds=1)
    out = shown(found, capsys, monkeypatch)
    assert "A sentence for each of the 12 targets" in out
    assert not [row for row in out.splitlines() if row.startswith("- 200 Hz")]
    assert len([row for row in out.splitlines() if row.startswith("400 Hz ")]) == 3
    assert len(out.splitlines()) < 70


def test_help_has_groups(run):
    status, out, _ = run("--help")
    assert status == 0
    for group in ("Which neurons:", "In a series:", "Beside which controls:", "Who judges:"):
        assert f"\n{group}\n" in out
    assert "goes on where it was stopped" in " ".join(out.split())


def test_the_python_door_is_the_same(document, store, toy):
    found = document("--all")["results"][0]
    same = otoscope.ablate(
        store,
        "tone",
        model=toy.model,
        targets=otoscope.interventions.all_neurons(),
        matched=("layer",),
        probe_seeds=1,
    )
    assert json.loads(to_json(same.document()))["results"][0]["by_category"] == found["by_category"]
