"""Runs of a toy: they learn, they resume, they say what is wrong."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open

from otoscope.models.loading import load_m2d
from otoscope.models.vit import untrained
from otoscope.pretraining import ConfigError, parse_config, pretrain, train
from otoscope.pretraining import checkpoint as checkpoints
from otoscope.pretraining import trainer as trainers
from otoscope.pretraining.data import prepare
from otoscope.pretraining.schedule import learning_rate, optimiser
from otoscope.pretraining.supervised import SupervisedTwin

RECONSTRUCTION = {"objective": "reconstruction"}
M2D = {"objective": "m2d", "decay": [0.9, 0.99]}
SUPERVISED = {"objective": "supervised"}


def weights(path: Path) -> dict[str, torch.Tensor]:
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping


@pytest.mark.parametrize("phase", [RECONSTRUCTION, M2D, SUPERVISED], ids=lambda phase: phase["objective"])
def test_the_loss_goes_down(phase: dict, config) -> None:
    result = train(config(phase | {"epochs": 12}))
    loss = pd.read_csv(result.out / "loss.csv")
    assert loss["loss"].iloc[-3:].mean() < 0.9 * loss["loss"].iloc[0]
    assert result.updates == loss["update"].iloc[-1] == 12 * 3  # 54 clips to learn from, 3 batches an epoch
    assert loss["clips"].iloc[-1] == 16 * result.updates
    assert result.validation == pytest.approx(loss["validation"].iloc[-1], rel=1e-5)


def test_supervision_learns_the_classes(config) -> None:
    wanted = config(SUPERVISED | {"epochs": 15, "drop_ratio": 0.3})
    train(wanted)
    corpus = prepare(wanted.data, 32, wanted.out / "cache", lambda done, total: None)
    settings = wanted.phases[0]
    after = SupervisedTwin(untrained(wanted.model.vit(), 0), settings, len(corpus.classes), 1)
    batch = corpus.batch(corpus.validation, 32, torch.Generator().manual_seed(0))

    def accuracy() -> float:
        with torch.no_grad():
            logits = after.logits(after.encoder.embed(batch.spectrograms))
        return float((logits.argmax(1) == batch.labels).float().mean())

    before = accuracy()
    after.load_state_dict(checkpoints.read_checkpoint(wanted).objective)
    assert accuracy() == 1.0 > before


@pytest.mark.parametrize("stop", [1, 4, 7, 11])
def test_a_killed_and_resumed_run_equals_an_uninterrupted_one(
    stop: int, config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phases = RECONSTRUCTION, M2D | {"target_start": "online"}
    whole = train(config(*phases, out=tmp_path / "whole"))
    killed = config(*phases, out=tmp_path / "killed")
    update, done = trainers.Trainer._update, []

    def fatal(self, *arguments):
        done.append(None)
        if len(done) > stop:
            raise KeyboardInterrupt
        return update(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(trainers.Trainer, "_update", fatal)
        with pytest.raises(KeyboardInterrupt):
            train(killed)
    again = train(killed)
    assert again.updates == whole.updates == 12
    for name, value in weights(whole.weights).items():
        assert torch.equal(weights(again.weights)[name], value), name
    curves = [pd.read_csv(run.out / "loss.csv").drop(columns="seconds") for run in (whole, again)]
    pd.testing.assert_frame_equal(*curves)
    assert not list(killed.out.glob(".*"))  # no partial file


LOSSES = (3.0, 2.0, 2.5, 2.0, 1.0)  # on clips held out: patience of two is over after the fourth


def held_out(self, objective) -> float:
    return LOSSES[self.state.updates - 1]


def test_a_phase_with_patience_ends_early_and_leaves_its_best_weights(
    config, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def validate(self, objective) -> float:
        seen.append({name: value.half() for name, value in self.encoder.state_dict().items()})
        return held_out(self, objective)

    monkeypatch.setattr(trainers.Trainer, "_validate", validate)
    wanted = config(SUPERVISED | {"epochs": 5, "patience": 2}, probe={"every": 1})
    result = train(wanted)
    assert result.updates == len(seen) == 4
    left = weights(result.weights)
    assert all(torch.equal(left[name], value) for name, value in seen[1].items())
    assert not all(torch.equal(left[name], value) for name, value in seen[3].items())
    monkeypatch.setattr(trainers.Trainer, "_update", None)
    assert train(wanted) == result


@pytest.mark.parametrize("stop", [2, 3])
def test_patience_outlasts_an_interruption(
    stop: int, config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainers.Trainer, "_validate", held_out)
    runs = [
        config(
            SUPERVISED | {"epochs": 5, "patience": 2},
            RECONSTRUCTION | {"epochs": 1 / 3},
            probe={"every": 1},
            checkpoint_every=1,
            out=tmp_path / name,
        )
        for name in ("whole", "killed")
    ]
    whole = train(runs[0])
    assert whole.updates == 5  # four, and one from the best of them
    keep = trainers.Trainer._keep

    def fatal(self, *arguments) -> None:
        keep(self, *arguments)
        if self.state.updates == stop:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(trainers.Trainer, "_keep", fatal)
        with pytest.raises(KeyboardInterrupt):
            train(runs[1])
    again = train(runs[1])
    for name, value in weights(whole.weights).items():
        assert torch.equal(weights(again.weights)[name], value), name


def test_a_finished_run_is_not_trained_again(config, monkeypatch: pytest.MonkeyPatch) -> None:
    first = train(config(RECONSTRUCTION))
    monkeypatch.setattr(trainers.Trainer, "_update", None)
    assert train(config(RECONSTRUCTION)) == first


def test_the_seed_repeats_and_matters(config, tmp_path: Path) -> None:
    runs = [
        train(config(RECONSTRUCTION, out=tmp_path / name, seed=seed))
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    kernels = [weights(run.weights)["patch_embed.proj.weight"] for run in runs]
    assert torch.equal(kernels[0], kernels[1])
    assert not torch.equal(kernels[0], kernels[2])


def test_the_export_has_m2d_names_in_half_precision(config) -> None:
    wanted = config(RECONSTRUCTION)
    result = train(wanted)
    found = weights(result.weights)
    trained = checkpoints.read_checkpoint(wanted).objective
    assert set(found) == set(untrained(wanted.model.vit(), 0).state_dict()) | {"norm_stats"}
    for name, value in found.items():
        if name != "norm_stats":
            assert value.dtype == torch.float16
            assert torch.equal(value, trained[f"encoder.{name}"].half()), name
    read = load_m2d(result.weights, name="toy")
    assert read.vit.config == wanted.model.vit()
    for name, value in read.vit.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, trained[f"encoder.{name}"].half().float()), name
    corpus = prepare(wanted.data, 32, wanted.out / "cache", lambda done, total: None)
    assert read.norm_stats == pytest.approx((corpus.mean, corpus.deviation))
    assert found["norm_stats"].tolist() == pytest.approx([corpus.mean, corpus.deviation])
    with safe_open(result.weights, "pt") as file:
        assert file.metadata() == {
            "input_size": "80x32",
            "patch_size": "16x16",
            "heads": "2",
            "sample_rate": "16000",
            "objectives": "reconstruction",
        }


def test_bf16_trains_too(config) -> None:
    assert np.isfinite(train(config(RECONSTRUCTION, precision="bf16")).loss)


def test_the_corpus_is_normalised_split_and_cached(config, shards: Path) -> None:
    data = config(SUPERVISED).data
    calls: list[tuple[int, int]] = []
    corpus = prepare(data, 32, shards / "cache", lambda done, total: calls.append((done, total)))
    again = prepare(data, 32, shards / "cache", lambda done, total: calls.append((done, total)))
    assert calls == [(60, 60)]
    assert np.array_equal(corpus.spectrograms, again.spectrograms)
    assert corpus.spectrograms.shape == (60, 80, 36)
    assert sorted([*corpus.training, *corpus.validation]) == list(range(60))
    assert len(corpus.validation) == 6
    batch = corpus.batch(corpus.training, 32, torch.Generator().manual_seed(0))
    assert batch.spectrograms.shape == (54, 1, 80, 32)
    assert float(batch.spectrograms.mean()) == pytest.approx(0, abs=0.1)
    assert float(batch.spectrograms.std()) == pytest.approx(1, abs=0.1)
    assert [corpus.classes[label] for label in batch.labels] == ["abcd"[i % 4] for i in corpus.training]


def test_learning_rate_and_decay_follow_the_recipe(encoder) -> None:
    rates = [learning_rate(step, 100, 2.0, 0.1) for step in range(101)]
    assert rates[0] == 0
    assert rates[5] == pytest.approx(1.0)
    assert rates[10] == 2.0
    assert rates[55] == pytest.approx(1.0)
    assert rates[100] == pytest.approx(0, abs=1e-12)
    phase = parse_config(
        {"out": "x", "data": {"source": "folder:x"}, "phases": [RECONSTRUCTION | {"epochs": 1}]}
    ).phases[0]
    decayed, plain = optimiser(encoder, phase).param_groups
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.05, 0.0)
    assert all(parameter.ndim == 1 for parameter in plain["params"])
    assert not any(parameter is encoder.pos_embed for parameter in decayed["params"])


def test_a_folder_of_another_run_is_refused(config) -> None:
    train(config(RECONSTRUCTION))
    with pytest.raises(ConfigError, match="holds a run with another seed and phases"):
        train(config(RECONSTRUCTION | {"epochs": 3}, seed=4))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sed": 1}, "sed: Extra inputs"),
        ({"data": {"source": "folder:x", "second": 2}}, "data.second: Extra inputs"),
        ({"data": {}}, "data.source: Field required"),
        ({"phases": [{"objective": "contrastive", "epochs": 1}]}, "phases.0: .*'m2d'"),
        ({"phases": [{"objective": "m2d", "epochs": 0}]}, "phases.0.m2d.epochs: .*greater than 0"),
        ({"phases": [{"objective": "m2d", "epochs": 1, "mask_ratio": 1.0}]}, "mask_ratio: .*less than 1"),
        ({"phases": [{"objective": "supervised", "epochs": 1}]}, "data.label: a supervised phase"),
        ({"model": {"width": 10, "heads": 3}}, "width 10"),
    ],
)
def test_a_wrong_key_is_named(change: dict, message: str) -> None:
    document = {"out": "x", "data": {"source": "folder:x"}, "phases": [{"objective": "m2d", "epochs": 1}]}
    with pytest.raises(ValueError, match=message):
        parse_config({**document, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": "rendered:nowhere"}, "nowhere has no clips.parquet"),
        ({"label": "pitch"}, "no column 'pitch' in .*; it has clip, shard, row, label"),
        ({"seconds": 0.2}, "0.2 s gives 21 frames and the model takes 32; try 0.32"),
        ({"validation": 100}, "one clip in 100 of 60 leaves none"),
        ({"sample_rate": 32000}, "rendered clips have 16000 Hz, not 32000"),
    ],
)
def test_unusable_data_is_explained(change: dict, message: str, config, tmp_path: Path) -> None:
    data = config(SUPERVISED).data.model_copy(update=change)
    with pytest.raises(ConfigError, match=message):
        prepare(data, 32, tmp_path, lambda done, total: None)


def test_a_config_file_must_be_there_and_be_yaml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: No such file"):
        pretrain(tmp_path / "none.yaml")
    for text, message in (("a: [", "is not YAML"), ("- a", "holds list; expected keys")):
        (tmp_path / "bad.yaml").write_text(text)
        with pytest.raises(ConfigError, match=message):
            pretrain(tmp_path / "bad.yaml")
