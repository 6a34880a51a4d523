"""Train the embedded models, every seed, and ship of each the seed with the median probe accuracy.

    python tools/mini/train.py --jobs 2                       # all, two runs side by side: hours
    python tools/mini/train.py --only ssl --seeds 1 2         # these runs and no more

Renders the training audio into build/mini-training if it is not there, trains mini:ssl and mini:supervised
as ssl.yaml and supervised.yaml say (runs in build/train/KIND-SEED; a stopped one goes on where it was, a
finished one is left as it is), probes all of them and as many untrained ones on every labeling, copies the
median seed's weights into the package, and writes mini-probe.csv, mini-probe.md, mini-training.csv and
mini-training.png into docs/results. To be called from the root of the repository.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from collections.abc import Mapping, Sequence
from pathlib import Path

import draw_training
import evaluate
import numpy as np
import render_training

from otoscope.files import replacing
from otoscope.pretraining import PretrainConfig, read_config, train
from otoscope.pretraining.data import prepare

TOOLS = Path(__file__).parent
AUDIO = Path("build/mini-training")
RUNS = Path("build/train")
SHIPPED = Path("src/otoscope/models/data")
RESULTS = Path("docs/results")
KINDS = ("ssl", "supervised")
CLIPS, AUDIO_SEED = 24_000, 0


def config(kind: str, seed: int, threads: int) -> PretrainConfig:
    """The run of a seed: that of KIND.yaml in a folder of its own."""
    folder = RUNS / f"{kind}-{seed}"
    changed = {"out": folder, "export": folder / "encoder.safetensors", "seed": seed, "threads": threads}
    return read_config(TOOLS / f"{kind}.yaml").model_copy(update=changed)


def provide_audio(wanted: PretrainConfig, workers: int) -> None:
    """Render the training audio and compute its spectrograms, unless they are there."""
    if not (AUDIO / "clips.parquet").exists():
        render_training.render(AUDIO, CLIPS, workers, AUDIO_SEED)
    assert wanted.data.cache is not None  # one for all runs
    prepare(wanted.data, wanted.model.input_size[1], wanted.data.cache, lambda *_: None)


def run(name: str, wanted: PretrainConfig, alone: bool) -> None:
    """Train one, or go on with it; with a progress bar where no other draws its own."""
    print(f"{name} begins", flush=True)
    result = train(wanted, progress=alone)
    print(f"{name}: {result.updates} updates, loss on clips held out {result.validation:.4g}", flush=True)


def run_all(configs: Mapping[tuple[str, int], PretrainConfig], jobs: int) -> None:
    """Train all, `jobs` side by side."""
    work = [(f"mini:{kind}, seed {seed}", made, jobs == 1) for (kind, seed), made in configs.items()]
    with multiprocessing.get_context("spawn").Pool(jobs, maxtasksperchild=1) as pool:
        pool.starmap(run, work, chunksize=1)


def median(averages: Mapping[int, float]) -> int:
    """The seed with the median average; of an even number, the lower of the two in the middle.

    >>> median({0: 0.7, 1: 0.5, 2: 0.6})
    2
    """
    return sorted(averages, key=lambda seed: averages[seed])[(len(averages) - 1) // 2]


def stamped(weights: bytes, seed: int) -> bytes:
    """A safetensors file with its seed in the metadata, which is sorted: equal weights give equal bytes."""
    start = 8 + int.from_bytes(weights[:8], "little")
    header = json.loads(weights[8:start])
    header["__metadata__"] = dict(sorted({**header["__metadata__"], "seed": str(seed)}.items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + weights[start:]


def ship(configs: Mapping[tuple[str, int], PretrainConfig], seeds: Sequence[int]) -> None:
    """Probe all runs, copy the median seed's weights into the package, write the results."""
    models = {kind: tuple(str(configs[kind, seed].exported) for seed in seeds) for kind in KINDS}
    results = evaluate.probe({**models, "untrained": tuple(f"mini:random@{seed}" for seed in seeds)})
    chosen = {}
    for kind in KINDS:
        averages = np.mean([one.right[kind].mean(1) for one in results], axis=0)
        chosen[kind] = median(dict(zip(seeds, averages.tolist(), strict=True)))
        with replacing(SHIPPED / f"mini-{kind}.safetensors") as temporary:
            weights = configs[kind, chosen[kind]].exported.read_bytes()
            temporary.write_bytes(stamped(weights, chosen[kind]))
    evaluate.write(results, RESULTS, chosen)
    draw_training.write(draw_training.collect({run: made.out for run, made in configs.items()}), RESULTS)
    print((RESULTS / "mini-probe.md").read_text(encoding="utf-8"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=1, help="of each run")
    parser.add_argument("--jobs", type=int, default=1, help="runs side by side (1.7 GB of memory each)")
    parser.add_argument("--only", choices=KINDS, help="train this one, and stop before anything is judged")
    args = parser.parse_args()
    kinds = (args.only,) if args.only else KINDS
    configs = {(kind, seed): config(kind, seed, args.threads) for kind in kinds for seed in args.seeds}
    provide_audio(next(iter(configs.values())), args.threads * args.jobs)
    run_all(configs, args.jobs)
    if not args.only:
        ship(configs, args.seeds)


if __name__ == "__main__":
    main()
