"""Targets that differ in one thing: dose-response, by layer, by selector."""

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from otoscope.interventions.effects.result import Ablation

__all__ = ["curves_of"]

_COLUMNS = ["series", "of", "at", "x", "neurons", "category", "measure", "change", "low", "high"]
_BESIDE = {"mean": "controls_mean", "low": "controls_low", "high": "controls_high", "p": "p"}


def curves_of(ablation: "Ablation") -> pd.DataFrame:
    """One row per target of a series, class and measure, as `Ablation.curves` has them."""
    about = pd.DataFrame(
        [
            {"target": each.name, "series": each.series, "of": each.of, "at": each.at}
            | {"neurons": len(each.neurons)}
            for each in ablation.targets
            if each.series
        ],
        columns=["target", "series", "of", "at", "neurons"],
    )
    effects, against = (
        each[each["probe"] == ablation.probe] for each in (ablation.effects, ablation.against)
    )
    keys = ["target", "category", "measure"]
    beside = against.loc[against["match"] == ablation.primary, [*keys, *_BESIDE]].rename(columns=_BESIDE)
    curves = about.merge(effects, on="target").merge(beside, on=keys, how="left")
    curves["x"] = pd.to_numeric(curves["at"], errors="coerce").astype(float)
    return curves[[*_COLUMNS, *_BESIDE.values()]]
