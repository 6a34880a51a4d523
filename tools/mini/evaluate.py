"""Does training help? A linear probe on the miniature's models, all labelings, with intervals.

    python tools/mini/evaluate.py --ssl A.safetensors B.safetensors --supervised C.safetensors --out DIR

Every labeling of every task of the miniature is probed on the clip embeddings of the models given: weight
files or specs, by default the shipped two, and three untrained ones. Folds are the labelings' own, which keep
groups (recipes, instruments, presets, voices, pieces) apart; presets and speakers cannot be kept apart from
themselves, theirs keep notes and sentences apart. Writes mini-probe.csv and mini-probe.md into DIR; without
--out it only prints. `train.py` makes those of docs/results.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from probe_page import markdown, table
from probing import right

from otoscope.audio import Waveform
from otoscope.files import replacing
from otoscope.models import load_model
from otoscope.models.mini import MINI_SAMPLE_RATE
from otoscope.tasks import Labeling, Task, load_task
from otoscope.tasks.own.mini import NAMES

Models = Mapping[str, tuple[str, ...]]  # "ssl", "supervised", "untrained" -> specs, one a seed
UNTRAINED = ("mini:random@0", "mini:random@1", "mini:random@2")
BATCH = 64


@dataclass(frozen=True)
class Answers:
    """What the probes of one labeling got right, and which of its clips go together in the bootstrap."""

    task: str
    label: str
    classes: int
    right: dict[str, np.ndarray]  # kind of model -> bool (seeds, clips)
    groups: np.ndarray  # of the clips that have a class: numbers among the task's groups


def spec_of(text: str) -> str:
    """What `load_model` takes for a spec or a weight file.

    >>> spec_of("a/encoder.safetensors"), spec_of("mini:ssl")
    ('m2d:a/encoder.safetensors', 'mini:ssl')
    """
    return f"m2d:{text}" if text.endswith(".safetensors") else text


@torch.no_grad()
def embed(spec: str, waveforms: list[Waveform]) -> np.ndarray:
    """Clip embeddings (clips, features)."""
    model = load_model(spec_of(spec))
    parts = []
    for start in range(0, len(waveforms), BATCH):
        chunks = model.prepare(waveforms[start : start + BATCH])
        parts.append(model.embedding(chunks, [model.forward(chunk) for chunk in chunks]).numpy())
    return np.concatenate(parts)


def bootstrap_groups(task: Task) -> np.ndarray:
    """The groups that all labelings of a task are resampled by: those of its first grouped labeling."""
    found = (labeling.groups(task.clips) for labeling in task.labelings)
    return next(groups for groups in found if groups is not None)


def answers(spec: str, task: Task, labeling: Labeling, embedded: dict[str, list[np.ndarray]]) -> Answers:
    """Probe one labeling on every model; clips without a class take no part."""
    membership = labeling.membership(task.clips)
    known = np.flatnonzero(membership.any(1))
    targets, folds = membership[known].argmax(1), task.clips[labeling.split].to_numpy()[known]
    found = {
        kind: np.array([right(features[known], targets, folds) for features in seeds])
        for kind, seeds in embedded.items()
    }
    return Answers(spec, labeling.name, len(labeling.classes), found, bootstrap_groups(task)[known])


def probe_task(spec: str, models: Models) -> list[Answers]:
    """Probe every labeling of a task on every model."""
    task = load_task(spec)
    waveforms = [task.read(i, MINI_SAMPLE_RATE) for i in range(len(task.clips))]
    embedded = {kind: [embed(one, waveforms) for one in specs] for kind, specs in models.items()}
    found = [answers(spec, task, labeling, embedded) for labeling in task.labelings]
    for one in found:
        means = {kind: right.mean(1).round(3).tolist() for kind, right in one.right.items()}
        print(one.task, one.label, means, flush=True)
    return found


def probe(models: Models) -> list[Answers]:
    """Probe every labeling of the miniature on every model."""
    return [found for name in NAMES for found in probe_task(f"mini:{name}", models)]


def write(results: list[Answers], out: Path, shipped: Mapping[str, int]) -> None:
    """Write mini-probe.csv and mini-probe.md; `shipped` says which seed of a kind was chosen."""
    with replacing(out / "mini-probe.csv") as temporary:
        table(results).to_csv(temporary, index=False, float_format="%.4f")
    with replacing(out / "mini-probe.md") as temporary:
        temporary.write_text(markdown(results, shipped), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for kind, default in (
        ("ssl", ("mini:ssl",)),
        ("supervised", ("mini:supervised",)),
        ("untrained", UNTRAINED),
    ):
        parser.add_argument(f"--{kind}", nargs="+", default=default, metavar="MODEL")
    parser.add_argument("--out", type=Path, help="folder of the two files")
    args = parser.parse_args()
    results = probe({kind: tuple(getattr(args, kind)) for kind in ("ssl", "supervised", "untrained")})
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        write(results, args.out, {})
    print(markdown(results, {}))


if __name__ == "__main__":
    main()
