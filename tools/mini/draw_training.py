"""Draw the loss and probe curves of the embedded models: docs/results/mini-training.png.

    python tools/mini/draw_training.py --run ssl=build/mini-ssl --run supervised=build/mini-supervised

With --run, the curves of a run are first copied to docs/results/mini-NAME-loss.csv and mini-NAME-probe.csv.
"""

import argparse
import shutil
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

NAMES = ("ssl", "supervised")


def draw(folder: Path) -> None:
    """One row per model: loss learnt from and held out; probe accuracy of every labeling."""
    figure, axes = plt.subplots(len(NAMES), 2, figsize=(10, 3.2 * len(NAMES)), layout="constrained")
    for (left, right), name in zip(axes, NAMES, strict=True):
        loss = pd.read_csv(folder / f"mini-{name}-loss.csv")
        left.plot(loss["update"], loss["loss"], lw=0.8, color="0.6", label="learnt from")
        held_out = loss.dropna(subset="validation")
        left.plot(held_out["update"], held_out["validation"], "o-", ms=3, color="tab:blue", label="held out")
        left.set(title=f"mini:{name}: {loss['objective'].iloc[-1]}", xlabel="update", ylabel="loss")
        left.legend(frameon=False)
        probe = pd.read_csv(folder / f"mini-{name}-probe.csv")
        for label, curve in probe.groupby("label", sort=False):
            right.plot(curve["update"], curve["accuracy"], "o-", ms=3, lw=1, label=label)
        mean = probe.groupby("update")["accuracy"].mean()
        right.plot(mean.index, mean, "k-", lw=2.5, label="average")
        right.set(title=f"mini:{name}: probe", xlabel="update", ylabel="accuracy, out of fold", ylim=(0, 1))
        right.legend(frameon=False, ncol=2, fontsize="small")
    figure.savefig(folder / "mini-training.png", dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--run", action="append", default=[], metavar="NAME=DIR", help="copy a run's curves first"
    )
    parser.add_argument("--results", type=Path, default=Path("docs/results"))
    args = parser.parse_args()
    for run in args.run:
        name, _, folder = run.partition("=")
        for curve in ("loss", "probe"):
            shutil.copyfile(Path(folder) / f"{curve}.csv", args.results / f"mini-{name}-{curve}.csv")
    draw(args.results)


if __name__ == "__main__":
    main()
