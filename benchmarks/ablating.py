"""What one target and 20 control sets cost, against the layers that must be computed again.

    python benchmarks/ablating.py             a table
    python benchmarks/ablating.py --json      the same as one JSON document
    python benchmarks/ablating.py --write     the table, also into docs/results/bench-ablating.md

The bound is one clean pass and, for every condition, what a pass costs from the block of its first changed
layer on; each block is timed by itself in bare passes. The naive way is a whole pass for every condition.
Log-mels are made once by all. In each turn all take place one after the other, and ratios are taken within
the turn.
"""

import argparse
import statistics
import time
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

import bench
import otoscope
from otoscope.audio import Waveform
from otoscope.interventions import Gain, embed, intervene
from otoscope.interventions.controls import control_sets
from otoscope.interventions.outcomes import Judge
from otoscope.interventions.probes.fitted import Fitted
from otoscope.interventions.running import Batch
from otoscope.models import AudioModel, load_model
from otoscope.models.vit import ViT

MODEL = "random:m2d_vit_base-80x608p16x16"
PAGE = "bench-ablating.md"
CLIPS, SECONDS = 4, 6.0
DRAWS, CLASSES, PROBES = 20, 6, 6
PUBLISHED = {
    0: 3,
    3: 6,
    5: 2,
    6: 1,
    7: 3,
    8: 2,
    9: 1,
    10: 4,
}  # neurons by layer of kawamura2026:anger-happiness
SETS = {
    "22 neurons of the layers 0 to 10": PUBLISHED,
    "22 neurons of the layers 6 to 11": {layer: 4 - (layer > 9) for layer in range(6, 12)},
    "22 neurons of the last two layers": {10: 11, 11: 11},
}


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    bench.finish(options, measure(options), PAGE, table, page)


def arguments() -> argparse.Namespace:
    parser = bench.parser(__doc__, PAGE)
    parser.add_argument("--turns", type=int, default=3)
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, Any]:
    model = load_model(MODEL)
    sound = np.random.default_rng(0).normal(0, 0.1, (CLIPS, int(SECONDS * model.sample_rate)))
    batch = Batch(tuple(range(CLIPS)), tuple(Waveform(each.astype(np.float32), len(each)) for each in sound))
    judge = judging(model, batch)
    turns = {
        name: [turn(model, batch, judge, neurons) for _ in range(options.turns)]
        for name, neurons in SETS.items()
    }
    return {
        "model": MODEL,
        "clips": CLIPS,
        "seconds": SECONDS,
        "conditions": 1 + 1 + DRAWS,
        "probes": PROBES,
        "turns": options.turns,
        "threads": options.threads,
        "peak_mb": bench.peak(),
        "versions": {"otoscope": otoscope.__version__, "torch": torch.__version__},
        "sets": {
            name: {
                "experiment_s": statistics.median(each["experiment"] for each in found),
                "to_bound": statistics.median(each["experiment"] / each["bound"] for each in found),
                "to_naive": statistics.median(each["experiment"] / each["naive"] for each in found),
                "turns": found,
            }
            for name, found in turns.items()
        },
    }


def turn(model: AudioModel, batch: Batch, judge: Judge, by_layer: dict[int, int]) -> dict[str, float]:
    """Processor seconds of the experiment, of its bound and of the naive way."""
    target = [(layer, unit) for layer, count in by_layer.items() for unit in range(count)]
    sets = [target, *control_sets(target, model.layers, DRAWS)]
    conditions = [(), *((Gain.of(neurons),) for neurons in sets)]

    def experiment() -> None:
        clean = None
        for heard, _, embeddings in embed(model, [batch], conditions):
            clean = embeddings[0] if clean is None else clean
            judge(embeddings, clean, heard.rows)

    def naive() -> None:
        chunks = model.prepare(batch.waveforms)
        for changes in conditions:
            with intervene(model, *changes), torch.inference_mode():
                model.embedding(chunks, [model.forward(chunk) for chunk in chunks])

    whole, blocks = bare(model, batch)
    again = sum(blocks[min(by_layer) :])
    return {
        "experiment": bench.timed(experiment)[1],
        "bound": whole + len(sets) * again,
        "naive": bench.timed(naive)[1],
    }


def bare(model: AudioModel, batch: Batch, passes: int = 3) -> tuple[float, list[float]]:
    """Median processor seconds of a bare pass, log-mel included, and of each block in it."""
    vit = model.module  # type: ignore[attr-defined]
    assert isinstance(vit, ViT)
    clocks = [Clock(block) for block in vit.blocks]

    def run() -> None:
        chunks = model.prepare(batch.waveforms)
        with torch.inference_mode():
            model.embedding(chunks, [model.forward(chunk) for chunk in chunks])

    whole = [bench.timed(run)[1] for _ in range(passes)]
    return statistics.median(whole), [clock.stop() for clock in clocks]


class Clock:
    """Processor seconds of a module's calls, until it is stopped."""

    def __init__(self, module: nn.Module) -> None:
        self.began, self.seconds = 0.0, list[float]()
        self.handles = [module.register_forward_pre_hook(self.start), module.register_forward_hook(self.end)]

    def start(self, *_: object) -> None:
        self.began = time.process_time()

    def end(self, *_: object) -> None:
        self.seconds.append(time.process_time() - self.began)

    def stop(self) -> float:
        for handle in self.handles:
            handle.remove()
        return statistics.median(self.seconds)


def judging(model: AudioModel, batch: Batch) -> Judge:
    """Probes as an experiment has them; what they have learnt does not matter to their cost."""
    random = np.random.default_rng(1)
    X, y = random.normal(size=(60, model.embedding_size)), np.arange(60) % CLASSES
    probe = Fitted("logistic", 0, LogisticRegression(max_iter=20, tol=1.0).fit(X, y), CLASSES)
    return Judge([probe] * PROBES, np.zeros(len(batch.rows), dtype=np.int64), np.ones(model.embedding_size))


def table(found: dict[str, Any]) -> str:
    lines = [
        f"{found['model']}, {found['clips']} clips of {found['seconds']:g} s, {found['conditions']} "
        f"conditions (the model as it is, a target, {DRAWS} control sets), {found['probes']} probes; "
        f"{bench.counted(found['threads'])} ({bench.MACHINE}), medians of {found['turns']} turns, otoscope "
        f"{found['versions']['otoscope']}, torch {found['versions']['torch']}; peak memory "
        f"{found['peak_mb']:,.0f} MB.",
        "",
        "| switched | processor s | to the bound | to a whole pass for each |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {one['experiment_s']:.1f} | {one['to_bound']:.2f} | {one['to_naive']:.2f} |"
        for name, one in found["sets"].items()
    ]
    return "\n".join(lines)


def page(found: dict[str, Any]) -> str:
    return (
        "## What ablating costs\n\n"
        "Made by `benchmarks/ablating.py --write`; not edited by hand.\n\n"
        f"{table(found)}\n\n"
        "The bound is one clean pass and, for each condition, the blocks from that of its first changed "
        "layer on; the aim is 1.1 times the bound. The first set has as many neurons in each layer as the "
        "published list for anger and happiness; it begins in layer 0, where there is nothing to share.\n"
    )


if __name__ == "__main__":
    main()
