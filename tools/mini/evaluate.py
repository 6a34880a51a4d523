"""Does training help? A regularised logistic probe on the miniature's models, all labelings, with intervals.

    python tools/mini/evaluate.py            # writes docs/results/mini-probe.csv and mini-probe.md

Every labeling of mini:events, mini:notes and mini:voices is probed on the clip embeddings of mini:ssl,
mini:supervised and mini:random (3 seeds). Folds are the labelings' own, which keep recipes, instruments and
speakers apart; the penalty is chosen within the training folds, by the same folds. Intervals are percentiles
over a bootstrap of whole groups, drawn jointly for the labelings of a task: they cover clips and groups, not
that a model could be trained again.
"""

import argparse
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from otoscope.files import replacing
from otoscope.models import load_model
from otoscope.tasks import Labeling, Task, load_task

TASKS = ("mini:events", "mini:notes", "mini:voices")
TRAINED = ("mini:ssl", "mini:supervised")
RANDOM = ("mini:random@0", "mini:random@1", "mini:random@2")
PENALTIES = (0.001, 0.01, 0.1)  # scikit-learn's C; fitted in this order, each from where the last one ended
BATCH = 64
DRAWS = 5000


@dataclass(frozen=True)
class Answers:
    """What one probe got right: per clip of a task, and which clips go together in the bootstrap."""

    task: str
    label: str
    classes: int
    right: dict[str, np.ndarray]  # model -> bool (clips,)
    groups: np.ndarray  # int (clips,)

    def difference(self, model: str) -> np.ndarray:
        """Right minus right in the untrained models, on average over their seeds: (clips,), -1 to 1."""
        return self.right[model] - np.mean([self.right[name] for name in RANDOM], axis=0)


@torch.no_grad()
def embed(spec: str, task: Task) -> np.ndarray:
    """Clip embeddings (clips, features)."""
    model = load_model(spec)
    waveforms = [task.read(i, model.sample_rate) for i in range(len(task.clips))]
    parts = []
    for start in range(0, len(waveforms), BATCH):
        chunks = model.prepare(waveforms[start : start + BATCH])
        parts.append(model.embedding(chunks, [model.forward(chunk) for chunk in chunks]).numpy())
    return np.concatenate(parts)


def path_of_probes(
    features: np.ndarray, targets: np.ndarray, training: np.ndarray, test: np.ndarray
) -> list[np.ndarray]:
    """Predictions for the test clips, one array per penalty."""
    scaler = StandardScaler().fit(features[training])
    seen, unseen = scaler.transform(features[training]), scaler.transform(features[test])
    # A ridge penalty does not care about rotations: the training clips' own axes hold all there is to fit.
    axes = np.linalg.svd(seen, full_matrices=False)[2].T
    probe = LogisticRegression(max_iter=100, warm_start=True)
    found = []
    for penalty in PENALTIES:
        probe.set_params(C=penalty)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            probe.fit(seen @ axes, targets[training])
        found.append(probe.predict(unseen @ axes))
    return found


def right(features: np.ndarray, targets: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Which clips a probe gets right: tested outside its training folds, its penalty chosen inside them."""
    correct = np.zeros(len(targets), dtype=bool)
    for fold in np.unique(folds):
        training, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        inner = np.zeros(len(PENALTIES))
        for held_out in np.unique(folds[training]):
            fit, judge = training[folds[training] != held_out], training[folds[training] == held_out]
            predictions = path_of_probes(features, targets, fit, judge)
            inner += [np.sum(predicted == targets[judge]) for predicted in predictions]
        best = int(np.argmax(inner))
        correct[test] = path_of_probes(features, targets, training, test)[best] == targets[test]
    return correct


def bootstrap_groups(task: Task) -> np.ndarray:
    """The groups that all labelings of a task are resampled by: those of its first grouped labeling."""
    groups = next(labeling.groups(task.clips) for labeling in task.labelings if labeling.group)
    assert groups is not None
    return groups


def probe_task(spec: str, models: tuple[str, ...]) -> list[Answers]:
    """Probe every labeling of a task on every model."""
    task = load_task(spec)
    embedded = {model: embed(model, task) for model in models}

    def answers(labeling: Labeling) -> Answers:
        targets = labeling.membership(task.clips).argmax(1)
        folds = task.clips[labeling.split].to_numpy()
        found = {model: right(features, targets, folds) for model, features in embedded.items()}
        print(
            spec, labeling.name, {model: round(float(r.mean()), 3) for model, r in found.items()}, flush=True
        )
        return Answers(spec, labeling.name, len(labeling.classes), found, bootstrap_groups(task))

    return [answers(labeling) for labeling in task.labelings]


def intervals(results: list[Answers], model: str, seed: int = 0) -> pd.DataFrame:
    """Difference to the untrained models in points, per labeling and on average, with 95 % intervals."""
    rng = np.random.default_rng(seed)
    draws: dict[str, np.ndarray] = {}  # the same resampled groups for all labelings of a task
    rows, samples = [], []
    for answers in results:
        count = answers.groups.max() + 1
        if answers.task not in draws:
            draws[answers.task] = rng.multinomial(count, np.full(count, 1 / count), size=DRAWS)
        sums = np.bincount(answers.groups, answers.difference(model))
        weights = draws[answers.task]
        sample = weights @ sums / (weights @ np.bincount(answers.groups))
        samples.append(sample)
        rows.append((answers.task, answers.label, answers.difference(model).mean(), sample))
    rows.append(("average", "", np.mean([row[2] for row in rows]), np.mean(samples, axis=0)))
    return pd.DataFrame(
        [
            {"task": task, "label": label, "difference": 100 * value, "low": low, "high": high}
            for task, label, value, sample in rows
            for low, high in [100 * np.percentile(sample, [2.5, 97.5])]
        ]
    )


def accuracies(results: list[Answers], models: tuple[str, ...]) -> pd.DataFrame:
    """One row per labeling, one column per model; the last row is their average."""
    rows = [
        {"task": a.task, "label": a.label, "classes": a.classes, "clips": len(a.groups)}
        | {model: float(a.right[model].mean()) for model in models}
        for a in results
    ]
    table = pd.DataFrame(rows)
    average = {"task": "average", "label": ""} | {model: table[model].mean() for model in models}
    return pd.concat([table, pd.DataFrame([average])], ignore_index=True)


def markdown(table: pd.DataFrame) -> str:
    """The table for people."""
    lines = [
        "Made by `tools/mini/evaluate.py`. Accuracy of a regularised logistic probe on clip embeddings,",
        "out of fold; recipes, instruments and speakers kept apart, for the speaker labeling sentences",
        "instead. mini:random is the mean of 3 seeds of the untrained architecture. Differences are in",
        "percentage points, 95 % intervals by a bootstrap of whole groups; they do not cover",
        "another training run.",
        "",
        "| task | labeling | classes | clips | mini:random (each seed) | mini:ssl | mini:supervised "
        "| ssl - random | supervised - random |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in table.to_dict("records"):
        seeds = ", ".join(f"{row[name]:.3f}" for name in RANDOM)
        untrained = np.mean([row[name] for name in RANDOM])
        whole = ["" if pd.isna(row[key]) else str(int(row[key])) for key in ("classes", "clips")]
        gains = [
            f"{row[m]:+.1f} ({row[f'{m} low']:+.1f} to {row[f'{m} high']:+.1f})"
            for m in ("ssl", "supervised")
        ]
        cells = [row["task"], row["label"], *whole, f"{untrained:.3f} ({seeds})"]
        cells += [f"{row[name]:.3f}" for name in TRAINED]
        lines.append("| " + " | ".join([*cells, *gains]) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("docs/results"), help="folder of the two files")
    args = parser.parse_args()
    models = (*RANDOM, *TRAINED)
    results = [answers for spec in TASKS for answers in probe_task(spec, models)]
    table = accuracies(results, models)
    for model in TRAINED:
        name = model.removeprefix("mini:")
        found = intervals(results, model)
        table[[name, f"{name} low", f"{name} high"]] = found[["difference", "low", "high"]].to_numpy()
    with replacing(args.out / "mini-probe.csv") as temporary:
        table.to_csv(temporary, index=False, float_format="%.4f")
    with replacing(args.out / "mini-probe.md") as temporary:
        temporary.write_text(markdown(table), encoding="utf-8")
    print(markdown(table))


if __name__ == "__main__":
    main()
