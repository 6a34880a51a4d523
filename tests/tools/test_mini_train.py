"""How the miniature's models are judged and chosen: the probe, its page, the median, the curves."""

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from otoscope.pretraining import PretrainConfig, parse_config, train

TOOLS = Path(__file__).parents[2] / "tools" / "mini"


@pytest.fixture(scope="module", autouse=True)
def on_path():
    sys.path.insert(0, str(TOOLS))
    yield
    sys.path.remove(str(TOOLS))


@pytest.fixture
def evaluate():
    return importlib.import_module("evaluate")


@pytest.fixture
def page():
    return importlib.import_module("probe_page")


@pytest.fixture
def probing():
    return importlib.import_module("probing")


def blobs(distance: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three classes of 20 clips in 50 features, in four folds."""
    rng = np.random.default_rng(seed)
    targets = np.arange(60) % 3
    features = rng.normal(size=(60, 50)) + distance * rng.normal(size=(3, 50))[targets]
    return features.astype(np.float32), targets, np.arange(60) // 3 % 4 + 1


def test_the_probe_reads_separable_classes_and_guesses_at_noise(probing) -> None:
    assert probing.right(*blobs(3.0)).all()
    by_chance = [probing.right(*blobs(0.0, seed)).mean() for seed in range(20)]
    assert np.mean(by_chance) == pytest.approx(1 / 3, abs=0.06)


def test_the_probe_equals_ridge_regression_on_indicators(probing) -> None:
    features, targets, _ = blobs(0.3)
    training, test = np.arange(40), np.arange(40, 60)
    seen = (features[:40] - features[:40].mean(0)) / features[:40].std(0)
    unseen = (features[40:] - features[:40].mean(0)) / features[:40].std(0)
    wanted = np.eye(3)[targets[:40]]
    for penalty in (0.01, 1.0):
        ridge = penalty * (seen**2).sum() / 40 * np.eye(50)
        weights = np.linalg.solve(seen.T @ seen + ridge, seen.T @ (wanted - wanted.mean(0)))
        expected = (unseen @ weights + wanted.mean(0)).argmax(1)
        found = probing.predictions(features, targets, training, test, [penalty])
        assert found.tolist() == [expected.tolist()]


def test_a_fold_is_never_asked_about_itself(probing) -> None:
    # What tells the classes of a fold apart is heard in no other: nothing can be learnt from the others.
    features, targets, folds = blobs(0.0)
    features = np.zeros((60, 12), np.float32)
    features[np.arange(60), 3 * (folds - 1) + targets] = 1
    assert probing.right(features, targets, folds).mean() <= 0.5


def test_only_clips_with_a_class_count(evaluate) -> None:
    features, targets, folds = blobs(3.0)
    noise = blobs(0.0)[0]
    speakers = pd.Series(targets).map(dict(enumerate("abc"))).where(np.arange(60) % 5 != 0)
    clips = pd.DataFrame({"speaker": speakers, "take": pd.Series(folds).where(speakers.notna())})
    labeling = SimpleNamespace(
        name="speaker",
        classes=tuple("abc"),
        split="take",
        membership=lambda clips: clips["speaker"].to_numpy()[:, None] == np.array(list("abc")),
        groups=lambda clips: None,
    )
    voices = SimpleNamespace(groups=lambda clips: np.arange(60) // 2)
    task = SimpleNamespace(clips=clips, labelings=(voices, labeling))
    found = evaluate.answers("mini:voices", task, labeling, {"ssl": [features, noise]})
    assert found.right["ssl"].shape == (2, 48)
    assert found.right["ssl"][0].all()
    assert not found.right["ssl"][1].all()
    assert found.groups.tolist() == [i // 2 for i in range(60) if i % 5]


@pytest.fixture
def results(evaluate):
    """Two labelings of a task and one of another, 20 clips each in 10 groups, answered by hand."""

    def some(count: int) -> np.ndarray:
        return np.arange(20) < count

    def answered(task: str, label: str, ssl: int, supervised: int, untrained: int):
        right = {
            "ssl": np.array([some(ssl), some(ssl)]),
            "supervised": np.array([some(supervised)]),
            "untrained": np.array([some(untrained - 1), some(untrained), some(untrained + 1)]),
        }
        return evaluate.Answers(task, label, 2, right, np.arange(20) % 10)

    return [
        answered("mini:voices", "language", ssl=18, supervised=20, untrained=4),
        answered("mini:voices", "gender", ssl=10, supervised=8, untrained=10),
        answered("mini:manners", "manner", ssl=2, supervised=10, untrained=16),
    ]


def test_differences_are_of_means_over_seeds(page, results) -> None:
    found = page.differences(results).set_index(["task", "label", "first", "second"])
    assert found.loc[("mini:voices", "language", "ssl", "untrained"), "value"] == pytest.approx(70)
    assert found.loc[("average", "", "ssl", "untrained"), "value"] == pytest.approx(0)
    assert found.loc[("average", "", "ssl", "supervised"), "value"] == pytest.approx(-40 / 3)
    assert found.loc[("untaught", "", "ssl", "supervised"), "value"] == pytest.approx(-15)
    assert (found["low"] <= found["value"]).all()
    assert (found["value"] <= found["high"]).all()


def test_the_interval_is_that_of_groups(page, evaluate) -> None:
    # Clips of a group agree: 400 clips in 16 groups are worth 16, and the standard error is that of 16.
    groups = np.arange(400) % 16
    ssl = (groups < 8)[None]
    one = evaluate.Answers("mini:events", "event", 2, {"ssl": ssl, "untrained": ~ssl & False}, groups)
    sample = page.resampled([one], "ssl", "untrained")[0]
    assert sample.mean() == pytest.approx(0.5, abs=0.01)
    assert sample.std() == pytest.approx(0.5 / 4, rel=0.05)


def test_labelings_of_a_task_are_resampled_together(page, results) -> None:
    twice = [results[0], results[0], results[2]]
    first, second, other = page.resampled(twice, "ssl", "untrained")
    assert np.array_equal(first, second)
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.1


def test_the_page_shows_every_seed_and_says_what_was_asked_for(page, results) -> None:
    text = page.markdown(results, {"ssl": 1, "supervised": 0})
    assert (
        "| mini:voices | language | 2 | 20 | 10 "
        "| 0.200 (0.150, 0.200, 0.250) | 0.900 (0.900, 0.900) | 1.000 (1.000) |" in text
    )
    assert "| mini:voices | gender | +0.0 (" in text
    assert "| average |  |  |  |  | 0.500 (" in text
    assert "language branches |" in text
    assert "seed 1 of ssl and seed 0 of supervised" in text
    assert "lies above 0 on 1 of 3 labelings and below 0 on 1; on average the difference is +0.0 (" in text
    assert "ssl - supervised is -15.0 (" in text
    assert "nan" not in text


@pytest.fixture
def training():
    return importlib.import_module("train")


def test_the_median_is_a_seed_that_was_trained(training) -> None:
    assert training.median({0: 0.6, 1: 0.9, 2: 0.7}) == 2
    assert training.median({4: 0.6, 5: 0.9}) == 4
    assert training.median({3: 0.6}) == 3


@pytest.mark.parametrize("kind", ["ssl", "supervised"])
def test_seeds_differ_in_nothing_but_their_seed(kind: str, training) -> None:
    first, second = (training.config(kind, seed, threads=2) for seed in (0, 1))
    assert first.out != second.out
    assert first.exported.parent == first.out
    assert first.identity | {"seed": 1} == second.identity


@pytest.fixture
def tiny(tmp_path: Path) -> PretrainConfig:
    """A run of seconds on 40 clips of noise."""
    noise = np.random.default_rng(0).normal(0, 3000, (40, 5600)).astype(np.int16)
    np.save(tmp_path / "audio-000.npy", noise)
    table = pd.DataFrame({"clip": np.arange(40).astype(str), "shard": 0, "row": np.arange(40)})
    table.assign(label=np.resize(["a", "b"], 40)).to_parquet(tmp_path / "clips.parquet")
    phase = {"objective": "supervised", "epochs": 2, "batch_size": 16}
    data = {"source": f"rendered:{tmp_path}", "label": "label", "seconds": 0.35, "validation": 4}
    data["cache"] = str(tmp_path / "cache")
    model = {"input_size": [80, 32], "width": 16, "depth": 2, "heads": 2, "hidden": 32}
    document = {"out": str(tmp_path / "run"), "threads": 1, "data": data, "model": model, "phases": [phase]}
    return parse_config(document)


def test_runs_side_by_side_end_as_they_do_alone(
    training, tiny: PretrainConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(training, "AUDIO", tmp_path)
    training.provide_audio(tiny, workers=1)
    computed = (tmp_path / "cache" / "logmel.npy").stat().st_mtime_ns
    runs = {("supervised", seed): tiny.model_copy(update={"seed": seed}) for seed in (0, 1)}
    runs = {run: made.model_copy(update={"out": tmp_path / str(run[1])}) for run, made in runs.items()}
    training.run_all(runs, jobs=2)
    first, second = (made.exported.read_bytes() for made in runs.values())
    assert first != second
    assert training.stamped(first, 0) == training.stamped(train(tiny).weights.read_bytes(), 0)
    assert (tmp_path / "cache" / "logmel.npy").stat().st_mtime_ns == computed
    before = (tmp_path / "0" / "loss.csv").read_bytes()
    train(runs["supervised", 0])
    assert (tmp_path / "0" / "loss.csv").read_bytes() == before
    again = runs["supervised", 0].exported.read_bytes()
    assert training.stamped(again, 0) == training.stamped(first, 0)


def losses(folder: Path, objective: str) -> Path:
    folder.mkdir(parents=True)
    table = {"objective": objective, "update": [20, 40], "loss": [2.0, 1.0], "validation": [None, 1.5]}
    pd.DataFrame(table).to_csv(folder / "loss.csv", index=False)
    return folder


def test_the_median_seed_is_shipped_with_its_results(
    training, evaluate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configs = {}
    for kind in training.KINDS:
        for seed in range(3):
            folder = losses(tmp_path / f"{kind}-{seed}", kind)
            values = {"here": np.array([seed, len(kind)], np.float16)}
            save_file(values, folder / "encoder.safetensors", {"heads": "3", "about": kind})
            configs[kind, seed] = training.config(kind, seed, 1).model_copy(
                update={"out": folder, "export": folder / "encoder.safetensors"}
            )

    def probe(models):
        assert models["ssl"][1] == str(tmp_path / "ssl-1" / "encoder.safetensors")
        assert models["untrained"] == ("mini:random@0", "mini:random@1", "mini:random@2")
        counts = {"ssl": (9, 12, 10), "supervised": (12, 3, 11), "untrained": (2, 2, 2)}
        right = {kind: np.arange(20) < np.array(counts[kind])[:, None] for kind in models}
        return [evaluate.Answers("mini:manners", "manner", 6, right, np.arange(20) % 5)]

    monkeypatch.setattr(evaluate, "probe", probe)
    for name in ("SHIPPED", "RESULTS"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(training, name, tmp_path / name)
    training.ship(configs, [0, 1, 2])
    for kind in training.KINDS:
        with safe_open(tmp_path / "SHIPPED" / f"mini-{kind}.safetensors", "numpy") as shipped:
            assert shipped.get_tensor("here").tolist() == [2, len(kind)]
            assert shipped.metadata() == {"about": kind, "heads": "3", "seed": "2"}
    results = tmp_path / "RESULTS"
    assert "seed 2 of ssl and seed 2 of supervised" in (results / "mini-probe.md").read_text()
    curves = pd.read_csv(results / "mini-training.csv")
    assert curves.groupby(["model", "seed"]).size().tolist() == [2] * 6
    picture = (results / "mini-training.png").read_bytes()
    assert len(picture) > 10_000
    importlib.import_module("draw_training").write(curves, results)
    assert (results / "mini-training.png").read_bytes() == picture


def test_every_labeling_is_judged_taught_or_not(page) -> None:
    mini = importlib.import_module("otoscope.tasks.own.mini")
    asked = {(f"mini:{name}", one.name) for name in mini.NAMES for one in mini.load(name).labelings}
    assert len(asked) == 13
    assert set(page.TAUGHT) < asked
