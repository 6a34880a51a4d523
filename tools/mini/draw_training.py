"""The loss curves of the embedded models, every seed: docs/results/mini-training.csv and mini-training.png.

    python tools/mini/draw_training.py       # draws the picture from the table that train.py left

The table has the columns of a run's loss.csv (see `otoscope.pretraining.curves`) after `model` and `seed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from otoscope.files import replacing

RESULTS = Path("docs/results")


def collect(runs: Mapping[tuple[str, int], Path]) -> pd.DataFrame:
    """The loss curves of runs: (model, seed) -> folder, as one table."""
    curves = [
        pd.read_csv(folder / "loss.csv").assign(model=model, seed=seed)
        for (model, seed), folder in runs.items()
    ]
    table = pd.concat(curves, ignore_index=True)
    return table[["model", "seed", *table.columns.drop(["model", "seed"])]]


def draw(table: pd.DataFrame) -> plt.Figure:
    """A panel for each model and objective; thin on what was learnt from, dotted on what was held out."""
    panels = list(table.groupby(["model", "objective"], sort=False))
    figure, axes = plt.subplots(
        1, len(panels), figsize=(4 * len(panels), 3.4), layout="constrained", squeeze=False
    )
    for ax, ((model, objective), curves) in zip(axes[0], panels, strict=True):
        for number, (seed, curve) in enumerate(curves.groupby("seed")):
            panel(ax, curve, f"C{number}", f"seed {seed}")
        ax.set(title=f"mini:{model}: {objective}", xlabel="update", ylabel="loss")
    axes[0, 0].legend(frameon=False, title="dots: clips held out\nring: weights kept")
    return figure


def panel(ax: Axes, curve: pd.DataFrame, colour: str, name: str) -> None:
    """One seed: both losses over updates; the twin keeps its best weights, the others their last."""
    ax.plot(curve["update"], curve["loss"], lw=0.6, alpha=0.5, color=colour)
    held_out = curve.dropna(subset="validation")
    ax.plot(held_out["update"], held_out["validation"], "o-", ms=3, lw=1, color=colour, label=name)
    supervised = (curve["objective"] == "supervised").all()
    kept = held_out.loc[held_out["validation"].idxmin() if supervised else held_out.index[-1]]
    ax.plot(kept["update"], kept["validation"], "o", ms=8, mfc="none", color=colour)


def write(table: pd.DataFrame, results: Path = RESULTS) -> None:
    """Write table and picture, the picture without a date or version: equal numbers give equal bytes."""
    with replacing(results / "mini-training.csv") as temporary:
        table.to_csv(temporary, index=False)
    with replacing(results / "mini-training.png") as temporary:
        draw(table).savefig(temporary, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    write(pd.read_csv(RESULTS / "mini-training.csv"))
