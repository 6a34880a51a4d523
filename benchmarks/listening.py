"""What hearing neurons costs: examples, a card, a site with hundreds of cards.

    python benchmarks/listening.py            a table
    python benchmarks/listening.py --json     the same as one JSON document
    python benchmarks/listening.py --write    the table, also into docs/results/bench-listening.md
    python benchmarks/listening.py --quick    a fifth of the cards, on a part of the clips

Examples are looked up in a synthetic recording of the size of ESC-50 on a ViT-B, which the file cache may
hold. Cards and sites are of the embedded miniature: the cards beside the bare forward pass over their clips.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch

import bench
import evidence
import otoscope
from otoscope import audio
from otoscope.activations import Store, open_store, record
from otoscope.activations.again import sound_of
from otoscope.listening import listen
from otoscope.listening.examples import columns_of, examples_of
from otoscope.listening.nearest import nearest
from otoscope.models.base import AudioModel

PAGE = "bench-listening.md"
LOOKUPS, CARDS_ALONE, SITE = 30, 10, 300
TASKS = ("mini:events", "mini:notes", "mini:voices")


def main() -> None:
    parser = bench.parser(__doc__, PAGE)
    parser.add_argument("--quick", action="store_true", help="a fifth of the size, to try the benchmark")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    bench.finish(options, measure(options), PAGE, table, page)


def measure(options: argparse.Namespace) -> bench.Found:
    share = 5 if options.quick else 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        evidence.write_store(folder / "large", 3072 // share)
        large = open_store(folder / "large")
        model = otoscope.load_model("mini:ssl")
        stores = [recorded(model, task, folder, 60 if options.quick else None) for task in TASKS]
        return {
            "threads": options.threads,
            "machine": bench.MACHINE,
            "version": otoscope.__version__,
            "examples": lookups(large),
            "nearest_s": bench.timed(lambda: nearest(large, list(columns_of(large, [(0, 0)]))))[0],
            "card": card(stores[0], model),
            "site": site(stores, folder / "report", SITE // share),
        }


def recorded(model: AudioModel, task: str, folder: Path, limit: int | None) -> Store:
    """A recording with what `select` finds in it."""
    store = record(model, otoscope.load_task(task), folder / task.replace(":", "-"), limit=limit)
    for label in store.labelings:
        chosen = otoscope.select(store, label, preset="aape", permutations=20, twins=False)
        chosen.save(store.results / chosen.folder)
    return store


def lookups(store: Store) -> bench.Found:
    """Milliseconds of finding the examples of random neurons."""
    random = np.random.default_rng(0)
    units = store.layers[0].units

    def look() -> None:
        address = int(random.integers(len(store.layers))), int(random.integers(units))
        (column,) = columns_of(store, [address])
        examples_of(store, column, 6)

    look()  # what is loaded once
    times = [1e3 * bench.timed(look)[0] for _ in range(LOOKUPS)]
    return {"median_ms": float(np.median(times)), "most_ms": max(times), "neurons": len(store.neurons)}


def card(store: Store, model: AudioModel) -> bench.Found:
    """Seconds of a card, beside those of reading its clips and of the bare forward pass over them."""
    random = np.random.default_rng(0)
    listen(store, (0, 0), model=model)
    whole, bare = [], []
    for _ in range(CARDS_ALONE):
        address = int(random.integers(len(store.layers))), int(random.integers(store.layers[0].units))
        whole.append(bench.timed(lambda at=address: listen(store, at, model=model))[0])
        (column,) = columns_of(store, [address])
        clips = [example.row for example in examples_of(store, column, 6)]
        bare.append(bench.timed(lambda rows=clips: forward(store, model, rows))[0])
    return {"median_s": float(np.median(whole)), "most_s": max(whole), "bare_s": float(np.median(bare))}


def forward(store: Store, model: AudioModel, rows: list[int]) -> None:
    """Read some clips and run the model over them, with no hook."""
    task = store.info["task"]
    for row in rows:
        clip = store.clips.iloc[row]
        audio.content_hash(clip["path"])
    waveforms = [sound_of(store.clips.iloc[row], task).at(model.sample_rate) for row in rows]
    with torch.inference_mode():
        for chunk in model.prepare(waveforms):
            model.forward(chunk)


def site(stores: list[Store], out: Path, cards: int) -> bench.Found:
    """Seconds and size of a site, without cards and with."""
    without = bench.timed(lambda: otoscope.report(stores, out, neurons=0))[0]
    whole = bench.timed(lambda: otoscope.report(stores, out, neurons=cards))[0]
    files = [path for path in out.rglob("*") if path.is_file()]
    return {
        "cards": len(list((out / "neurons").rglob("*.html"))),
        "whole_s": whole,
        "without_s": without,
        "mb": sum(path.stat().st_size for path in files) / 1e6,
        "files": len(files),
    }


def table(found: bench.Found) -> str:
    examples, one, whole = found["examples"], found["card"], found["site"]
    rows: list[tuple[str, str, str]] = [
        (
            f"examples of a neuron, {evidence.CLIPS:,} clips x {examples['neurons']:,} neurons",
            f"{examples['median_ms']:.0f} ms (most {examples['most_ms']:.0f})",
            "50 ms",
        ),
        ("nearest neurons of one, the same recording", f"{found['nearest_s']:.2f} s", ""),
        (
            "a card of `mini:ssl`, its clips heard again",
            f"{one['median_s']:.2f} s (most {one['most_s']:.2f}; reading and bare forward passes "
            f"{one['bare_s']:.2f})",
            "1 s",
        ),
        (
            f"a site of {whole['cards']} cards, three stores",
            f"{whole['whole_s']:.0f} s ({whole['without_s']:.0f} without cards)",
            "120 s",
        ),
        ("its size", f"{whole['mb']:.1f} MB in {whole['files']:,} files", "25 MB"),
    ]
    lines = [
        f"{bench.counted(found['threads'])} ({found['machine']}), otoscope {found['version']}.",
        "",
        "| what | took | aim |",
        "|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    return "\n".join(lines)


def page(found: bench.Found) -> str:
    return (
        "## What listening costs\n\n"
        "Made by `benchmarks/listening.py --write`; not edited by hand.\n\n"
        f"{table(found)}\n\n"
        "Examples come from the recording alone. A card reads its clips again and runs the model over them; "
        "in a site every clip is read and run once for all cards of a store that show it.\n"
    )


if __name__ == "__main__":
    main()
