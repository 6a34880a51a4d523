"""What selecting and testing cost at the size of ESC-50 on a ViT-B, against the bare matrix products.

    python benchmarks/evidence.py             a table
    python benchmarks/evidence.py --json      the same as one JSON document
    python benchmarks/evidence.py --write     the table, also into docs/results/bench-evidence.md
    python benchmarks/evidence.py --quick     a tenth of the neurons and permutations

The recording is synthetic, written by what writes real ones. Each task runs in a process of its own, from the
opened store to the result; the matrix products of the same shapes follow in the same process, in single
precision and with nothing to read, so that the ratio matters more than the machine does.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import bench
import otoscope
from otoscope.activations import Store, open_store
from otoscope.activations.layout import Layout, blank
from otoscope.activations.plan import SHARD, Plan, Settings, batches, versions
from otoscope.descriptors import columns as descriptor_names
from otoscope.neurons import select
from otoscope.neurons.meaning.following import rank_correlations
from otoscope.tasks import Labeling

PAGE = "bench-evidence.md"
CLIPS, CLASSES, LAYERS, TOKENS, SOURCE = 2000, 50, 12, 161, 5
FACTORS = 8  # that make the neurons correlated
GROUPED = "category by source"
PERMUTATIONS = 1000
TURNS = 3  # measurements of the bare products


@dataclass(frozen=True)
class Work:
    """A task: what people call it, what it runs, how many tables of class sums it takes, and its aim in s."""

    title: str
    run: Callable[[Store, int], object]
    products: Callable[[int], int]
    aim: float | None


def preset(label: str, permutations: bool) -> Callable[[Store, int], object]:
    return lambda store, number: select(
        store, label, preset="aape", permutations=number if permutations else 0, twins=False
    )


def recommended(label: str, permutations: bool) -> Callable[[Store, int], object]:
    return lambda store, number: select(
        store, label, permutations=number // 10 if permutations else 0, twins=False
    )


WORKS = {
    "select": Work("a preset selection", preset("category", False), lambda _: 1, 2),
    "chance": Work("{0:,} permutations of it", preset("category", True), lambda n: n + 1, 180),
    "chance-grouped": Work("the same, clips in groups of 5", preset(GROUPED, True), lambda n: n + 1, None),
    "specific": Work("`specific`", recommended("category", False), lambda _: 1, 60),
    "specific-chance": Work(
        "`specific` and {1:,} permutations", recommended("category", True), lambda n: n // 10 + 1, 60
    ),
    "specific-grouped": Work(
        "the same, clips in groups of 5", recommended(GROUPED, True), lambda n: n // 10 + 1, None
    ),
    "descriptors": Work(
        "correlations with {2} descriptors", lambda store, _: rank_correlations(store, descriptors(store)),
        lambda _: 0, 30,
    ),
}  # fmt: skip


def main() -> None:
    options = arguments()
    if options.only:
        print(json.dumps(cost(options)))
        return
    bench.finish(options, measure(options), PAGE, table, page)


def arguments() -> argparse.Namespace:
    parser = bench.parser(__doc__, PAGE)
    parser.add_argument("--quick", action="store_true", help="a tenth of the size, to try the benchmark")
    parser.add_argument("--only", choices=WORKS, help=argparse.SUPPRESS)
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(options: argparse.Namespace) -> bench.Found:
    share = 10 if options.quick else 1
    units, permutations = 3072 // share, PERMUTATIONS // share
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "store"
        write_store(path, units)
        works = {work: child(work, path, options) for work in WORKS}
    return {
        "clips": CLIPS,
        "neurons": LAYERS * units,
        "classes": CLASSES,
        "permutations": permutations,
        "descriptors": len(descriptor_names()),
        "threads": options.threads,
        "machine": bench.MACHINE,
        "versions": {"otoscope": otoscope.__version__, "numpy": np.__version__},
        "works": works,
    }


def write_store(path: Path, units: int) -> None:
    """A recording of noise in which a twentieth of the neurons knows a class, in the files of a real one."""
    category = np.repeat(np.arange(CLASSES), CLIPS // CLASSES)
    table = pd.DataFrame(
        {
            "clip": [f"{clip:05d}.wav" for clip in range(CLIPS)],
            "category": [f"class {k:02d}" for k in category],
            GROUPED: [f"class {k:02d}" for k in category],
            "source": [f"source {clip // SOURCE:04d}" for clip in range(CLIPS)],
            "fold": np.arange(CLIPS) % 5,
        }
    )
    plan = plan_of(table, units)
    layout = Layout(path)
    with layout.locked():
        layout.plan.write_text(json.dumps(plan.document()), encoding="utf-8")
        layout.create(plan)
        random = np.random.default_rng(0)
        loadings = random.normal(0, 0.2, (FACTORS, plan.neurons)).astype(np.float32)
        base = random.normal(-1.5, 1, plan.neurons).astype(np.float32)
        knows = np.where(random.random(plan.neurons) < 0.05, random.integers(0, CLASSES, plan.neurons), -1)
        for shard in range(len(plan.shards)):
            rows = np.array(plan.rows(shard))
            block = blank(plan, shard)
            z = random.standard_normal((len(rows), FACTORS), dtype=np.float32) @ loadings + base
            z += 0.8 * random.standard_normal(z.shape, dtype=np.float32)
            z += 2 * (category[rows, None] == knows)
            block["fired"][:] = np.rint(TOKENS / (1 + np.exp(-z)))
            block["tokens"][:] = TOKENS
            files = layout.write(plan, shard, block)
            layout.sign(shard, {"files": files, "clips": {}, "problems": {}, "splits": []})
    table.assign(tokens=TOKENS, sha256="", problem="").to_parquet(layout.clips, index=False)


def plan_of(table: pd.DataFrame, units: int) -> Plan:
    labelings = [Labeling.of(table, "category"), Labeling.of(table, GROUPED, group="source")]
    starts = range(0, len(table), SHARD)
    return Plan(
        model={
            "name": "synthetic",
            "fingerprint": "0" * 64,
            "sample_rate": 16000,
            "embedding_size": 1,
            "layers": [[f"layer {number}", units] for number in range(LAYERS)],
        },
        task={
            "name": "synthetic",
            "fingerprint": "0" * 64,
            "clips": len(table),
            "seconds": None,
            "citation": "",
            "licence": "",
            "labelings": [each.document() for each in labelings],
            "options": [],
        },
        settings=Settings(16, 1, "cpu"),
        versions=versions(),
        counter="uint16",
        shard_clips=SHARD,
        shards=[batches([1] * min(SHARD, len(table) - start), 16, start) for start in starts],
        problems={},
    )


def descriptors(store: Store) -> pd.DataFrame:
    """Noise in place of what a clip sounds like; pitch is not known of every clip, as of real ones."""
    random = np.random.default_rng(1)
    names = descriptor_names()
    values = random.normal(size=(len(store.tokens), len(names)))
    pitched = [number for number, name in enumerate(names) if name.startswith("f0")]
    values[np.ix_(random.random(len(values)) < 0.3, pitched)] = np.nan
    return pd.DataFrame(values, columns=list(names))


def cost(options: argparse.Namespace) -> bench.Found:
    """Time and memory of one task, and the time of its bare matrix products."""
    work, number = WORKS[options.only], PERMUTATIONS // (10 if options.quick else 1)
    store = open_store(options.store)
    before = bench.peak()
    wall, processor = bench.timed(lambda: work.run(store, number))
    used = bench.peak()
    clips, neurons = len(store.tokens), sum(layer.units for layer in store.layers)
    tables = work.products(number)
    rows = CLASSES * tables or len(descriptor_names())
    alone = bare(clips, neurons, min(rows, 10 * CLASSES))
    return {
        "wall_s": wall,
        "processor_s": processor,
        "peak_mb": used,
        "before_mb": before,
        "products_s": alone * rows / min(rows, 10 * CLASSES),
    }


def bare(clips: int, neurons: int, rows: int) -> float:
    """Seconds of (rows, clips) times (clips, neurons) in single precision; the best of a few turns."""
    left, right = np.ones((rows, clips), np.float32), np.ones((clips, neurons), np.float32)
    out = np.empty((rows, neurons), np.float32)
    return min(bench.timed(lambda: np.matmul(left, right, out=out))[0] for _ in range(TURNS))


def child(work: str, path: Path, options: argparse.Namespace) -> Any:
    command = [sys.executable, __file__, "--only", work, "--store", str(path)]
    threads = {name: str(options.threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    done = subprocess.run(
        command + ["--quick"] * options.quick, check=True, stdout=subprocess.PIPE, env=os.environ | threads
    )
    return json.loads(done.stdout)


def table(found: bench.Found) -> str:
    lines = [
        f"{found['clips']:,} clips, {found['neurons']:,} neurons, {found['classes']} classes; "
        f"{bench.counted(found['threads'])} ({found['machine']}), otoscope {found['versions']['otoscope']}, "
        f"numpy {found['versions']['numpy']}.",
        "",
        "| task | s | aim, s | processor s | peak memory, MB | matrix products alone, s | s / products |",
        "|---|---|---|---|---|---|---|",
    ]
    number = found["permutations"]
    for name, one in found["works"].items():
        title = WORKS[name].title.format(number, number // 10, found["descriptors"])
        aim = "" if WORKS[name].aim is None else f"{WORKS[name].aim:g}"
        lines.append(
            f"| {title} | {one['wall_s']:.1f} | {aim} | {one['processor_s']:.1f} | {one['peak_mb']:,.0f} "
            f"| {one['products_s']:.2f} | {one['wall_s'] / one['products_s']:.1f} |"
        )
    return "\n".join(lines)


def page(found: bench.Found) -> str:
    return (
        "## What evidence costs\n\n"
        "Made by `benchmarks/evidence.py --write`; not edited by hand.\n\n"
        f"{table(found)}\n\n"
        "The recording is synthetic, of the size of ESC-50 on a ViT-B, and is read from disk within the "
        "time. The matrix products are those of the labels of each table, (classes, clips), and the counts, "
        "(clips, neurons), in single precision from memory; a clip has one class, so otoscope adds whole "
        "numbers instead. A single selection mostly reads the disk, `specific` also tests and resamples, "
        "and a rank correlation mostly sorts: of these products alone say little.\n"
    )


if __name__ == "__main__":
    main()
