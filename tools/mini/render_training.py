"""Render the training audio of the embedded models: speech, instruments, events, mixtures; int16 shards.

    python tools/mini/render_training.py --out DIR --clips 20000 --workers 2 --seed 0

Writes DIR/audio-000.npy ... (1,000 x 33,280 samples at 16 kHz) and DIR/clips.parquet. About a third of the
clips pass through the codec of the shipped tasks; all get a random level. The same seed gives the same clips
for any number of workers, as far as espeak-ng and fluidsynth repeat themselves.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

import instruments
import sources
import speech
import textures
from dsp import level, through_opus, to_int16

SHARD = 1_000
SEEDS_A_KIND = 1_000_000
SHARES = {"speech": 0.32, "instrument": 0.28, "event": 0.2, "mixture": 0.2}
CODEC_SHARE = 0.35
LEVELS_DB = (-40.0, -14.0)  # RMS below full scale; the log-mel hears the level

Clip = tuple[np.ndarray, str, str]  # samples, label, source
MAKERS = {
    "speech": speech.training_clips,
    "instrument": instruments.training_clips,
    "event": textures.training_clips,
}


def mixtures(rng: np.random.Generator) -> list[Clip]:
    """One batch of foregrounds of a random kind over backgrounds or over other clips."""
    kind = str(rng.choice(list(MAKERS), p=[0.5, 0.25, 0.25]))  # a batch of speech is the smallest
    clips = MAKERS[kind](rng)
    found = []
    for samples, label, source in clips:
        other = None
        if rng.random() < 0.4:  # someone else's clip behind: music under an event, speech behind speech
            other = clips[rng.integers(len(clips))][0][::-1]  # reversed, so that it differs from its twin
        mixed, how = textures.mix(samples, rng, other)
        found.append((mixed, label, f"{source}, {how}"))
    return found


def batch(job: tuple[str, int]) -> tuple[int, np.ndarray, list[tuple[str, str]]]:
    """All clips of one (kind, seed): int16 (clips, samples) and their labels and sources."""
    kind, seed = job
    rng = np.random.default_rng(seed)
    clips = mixtures(rng) if kind == "mixture" else MAKERS[kind](rng)
    done = []
    for samples, _, _ in clips:
        samples = level(samples, rng.uniform(*LEVELS_DB))
        if rng.random() < CODEC_SHARE:
            samples = through_opus(samples)
        done.append(to_int16(samples))
    audio = np.stack(done) if done else np.empty((0, sources.TRAINING_SAMPLES), np.int16)
    return seed, audio, [(label, source) for _, label, source in clips]


def blocks(kind: str, base: int, size: int) -> Iterator[list[tuple[str, int]]]:
    """Endless lists of `size` jobs (kind, seed), seeds counting up from `base`."""
    for start in range(base, base + SEEDS_A_KIND, size):
        block = [(kind, seed) for seed in range(start, start + size)]
        if block[-1][1] not in sources.TRAINING_SEEDS:
            raise ValueError(f"seed {block[-1][1]} is outside {sources.TRAINING_SEEDS}; try a smaller --seed")
        yield block


def shuffled_shards(rows: list[dict], audio: list[np.ndarray], out: Path, seed: int) -> None:
    """Write the clips in random order, so that every shard is a sample of the whole."""
    order = np.random.default_rng(seed).permutation(len(rows))
    joined = np.concatenate(audio)
    table = pd.DataFrame([rows[i] for i in order])
    for shard, start in enumerate(range(0, len(order), SHARD)):
        partial = out / "partial.npy"
        np.save(partial, joined[order[start : start + SHARD]])
        partial.rename(out / f"audio-{shard:03d}.npy")
    table.insert(0, "clip", [f"train-{i:05d}" for i in range(len(table))])
    table.insert(1, "shard", np.arange(len(table)) // SHARD)
    table.insert(2, "row", np.arange(len(table)) % SHARD)
    table.to_parquet(out / "clips.parquet", index=False)


def render(out: Path, clips: int, workers: int, seed: int) -> None:
    """Render `clips` clips into `out` (see the module's text)."""
    sources.check_disjoint()
    out.mkdir(parents=True, exist_ok=True)
    began, audio, rows = time.monotonic(), [], []
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for number, (kind, share) in enumerate(SHARES.items()):
            wanted, have = round(clips * share), 0
            first = (seed * len(SHARES) + number) * SEEDS_A_KIND
            work = (
                job
                for block in blocks(kind, first, 8 * workers)
                for job in pool.map(batch, block, chunksize=1)
            )
            while have < wanted:
                job_seed, samples, about = next(work)
                take = min(len(samples), wanted - have)
                audio.append(samples[:take])
                rows += [{"kind": kind, "label": a, "source": s, "seed": job_seed} for a, s in about[:take]]
                have += take
            print(f"{kind}: {have} clips, {time.monotonic() - began:.0f} s", file=sys.stderr)
    shuffled_shards(rows, audio, out, seed)
    print(f"{len(rows)} clips in {out}, {time.monotonic() - began:.0f} s", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the shards (about 1.3 GB)")
    parser.add_argument("--clips", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    render(args.out, args.clips, args.workers, args.seed)


if __name__ == "__main__":
    main()
