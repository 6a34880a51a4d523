"""The numbers that verdicts rest on, and when an effect is called one."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from otoscope.interventions.effects.overlap import MOST_SHARED

if TYPE_CHECKING:
    from otoscope.interventions.effects.result import Ablation

__all__ = ["ALPHA", "CONTROLS", "Figures", "figures_of", "is_beyond", "is_trusted"]

ALPHA = 0.05

CONTROLS = {
    "layer": "random neurons of the same layers",
    "rate": "neurons that fire as often",
    "displacement": "neurons matched in how far they move the embedding",
    "neighbour": "the neighbouring neurons",
    "directions": "random directions",
    "components": "principal components",
}
"""What the sets of each kind are called in a sentence."""

Figures: TypeAlias = Mapping[tuple[str, str], Mapping[str, Mapping[str, Any]]]
"""By target and class, by measure: a row of `Ablation.effects`, under `against` those of `Ablation.against`
by way of matching, with the sets' mean `relative` displacement; of accuracy that of `Ablation.paired` too."""


def figures_of(ablation: "Ablation", probe: str) -> Figures:
    """What one probe found, put together."""
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for row in ablation.effects[ablation.effects["probe"] == probe].to_dict("records"):
        place = found.setdefault((row["target"], row["category"]), {})
        place[row["measure"]] = _named(row) | {"against": {}}
    relative = ablation.sets.groupby(["target", "match"])["relative"].mean().to_dict()
    for row in ablation.against[ablation.against["probe"] == probe].to_dict("records"):
        moved = {"relative": relative[row["target"], row["match"]]}
        place = found[row["target"], row["category"]]
        place[row["measure"]]["against"][row["match"]] = _named(row) | moved
    for row in ablation.paired[ablation.paired["probe"] == probe].to_dict("records"):
        found[row["target"], row["category"]]["accuracy"] |= _named(row)
    return found


def is_beyond(beside: Mapping[str, Any]) -> bool:
    """Whether a change differs from the control sets', all classes considered; never without a p to trust."""
    return bool(beside["p_adjusted"] <= ALPHA) and is_trusted(beside)


def is_trusted(beside: Mapping[str, Any]) -> bool:
    """Whether p may be so small: control sets that share neurons make it too small, never too large."""
    return not (beside["p_adjusted"] <= ALPHA and beside["shared"] > MOST_SHARED)


def _named(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}
