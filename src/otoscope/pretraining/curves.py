"""What a run writes down as it goes: the loss curve and the probe curve."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from otoscope.files import replacing

Row = dict[str, Any]


@dataclass
class Curves:
    """Rows of the two curves; a checkpoint carries them, so that a resumed run continues its files.

    Attributes:
        loss: per row `objective, update, clips, seconds, loss, validation, learning_rate, gradient`: updates,
            clips and seconds since the start of the run; loss on the clips learnt from, the mean since the
            row before, and on those held out, where it was measured; norm of the gradient before clipping.
        probe: per row `objective, update, task, label, accuracy`.
    """

    loss: list[Row] = field(default_factory=list)
    probe: list[Row] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Write `loss.csv` and, where anything was probed, `probe.csv`."""
        for name, rows in (("loss", self.loss), ("probe", self.probe)):
            if rows:
                with replacing(folder / f"{name}.csv") as temporary:
                    pd.DataFrame(rows).to_csv(temporary, index=False, float_format="%.6g")


def latest(rows: Sequence[Row], key: str) -> float | None:
    """The last value of a column that is there, or None."""
    return next((float(row[key]) for row in reversed(rows) if row.get(key) is not None), None)
