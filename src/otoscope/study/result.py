"""What a study found, read back from its folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from otoscope.files import read_json, slug
from otoscope.study.places import across_of, stores_of
from otoscope.study.plan import Study
from otoscope.study.steps import Refused

if TYPE_CHECKING:
    from otoscope.interventions import Ablation
    from otoscope.neurons import Selection
    from otoscope.neurons.evidence.gathering import Evidence

__all__ = ["Dissection", "StudyResult", "gathered"]


@dataclass(frozen=True)
class Dissection:
    """One labeling as one model hears it: its class-specific neurons, how they fare, and what a probe reads.

    Attributes:
        model: name of the model in the study.
        task: name of the task in the study.
        label: name of the labeling.
        specs: of model and task.
        evidence: what `specific` and `aape` select, and how it fares against every baseline; None where the
            labeling did not allow it.
        probe: what a linear classifier reads, as `ProbeScore.document` has it; None likewise.
    """

    model: str
    task: str
    label: str
    specs: tuple[str, str]
    evidence: "Evidence | None"
    probe: Mapping[str, Any] | None

    def selection(self, preset: str) -> "Selection | None":
        """What a preset selects; None where it refuses the labeling."""
        return None if self.evidence is None else self.evidence.selections.get(preset)

    def refused(self, preset: str) -> str:
        """Why a preset does not select; "" where it does."""
        if self.evidence is None:
            return "no evidence was gathered"
        return str(self.evidence.table.set_index("preset")["refused"].get(preset, ""))

    @property
    def probe_accuracy(self) -> float | None:
        """Its score: the accuracy, or where a clip has several labels the mean average precision."""
        return None if self.probe is None else self.probe[self.probe["measure"]]

    def document(self) -> dict[str, Any]:
        """The words of `select --json` for `aape`; within, those for `specific`, or why it is refused."""

        def said(preset: str) -> dict[str, Any]:
            found = self.selection(preset)
            return {"refused": self.refused(preset)} if found is None else found.document()

        return {
            "model": self.specs[0],
            "task": self.specs[1],
            "names": {"model": self.model, "task": self.task},
            "label": self.label,
            **said("aape"),
            "specific": said("specific"),
            "evidence": None if self.evidence is None else self.evidence.document(),
            "probe_accuracy": self.probe_accuracy,
            "probe": self.probe,
        }

    def row(self) -> dict[str, Any]:
        """What the summary says of it, each count beside its chance level and its twins."""
        row: dict[str, Any] = {"task": self.task, "label": self.label, "model": self.model}
        for preset in ("specific", "aape"):
            row |= {f"{preset}_{name}": value for name, value in self._figures(preset).items()}
        chosen = self.selection("aape")
        row["refused"] = self.refused("specific")
        row["aape_depth_p"] = None if chosen is None or chosen.chance is None else chosen.chance.depth.p
        return row | {"probe_accuracy": self.probe_accuracy}

    def _figures(self, preset: str) -> dict[str, Any]:
        selection = self.selection(preset)
        document = {} if selection is None else selection.document()
        chance = document.get("chance") or {}
        found: dict[str, Any] = {}
        for measure in ("neurons", "coverage", "depth"):
            found[measure] = document.get(measure)
            found[f"{measure}_chance"] = (chance.get(measure) or {}).get("mean")
        for kind in ("random", "shuffled"):
            counts = selection.twins.of(kind, "neurons") if selection and selection.twins else []
            found[f"twins_{kind}"] = " ".join(f"{count:.0f}" for count in counts)
        table = None if self.evidence is None else self.evidence.table.set_index("preset")
        for measure in ("held_out", "held_out_twins_most", "beyond_twins_low", "stability"):
            found[measure] = None if table is None else table[measure].get(preset)
        return found


@dataclass(frozen=True)
class StudyResult:
    """What a study found, and where its report lies.

    Attributes:
        dissections: every labeling on every model.
        ablations: every experiment.
        across: what two labelings share: model, the two labelings as TASK:LABELING, and the folder.
        findings: the paper's findings beside this study's numbers.
        refused: steps that the data did not allow.
        report: first page of the report.
    """

    dissections: tuple[Dissection, ...]
    ablations: tuple["Ablation", ...]
    across: tuple[tuple[str, str, str, Path], ...]
    findings: pd.DataFrame
    refused: tuple[Refused, ...]
    report: Path

    @property
    def table(self) -> pd.DataFrame:
        """One row per task, labeling and model: what was found, beside chance and twins, and the probe."""
        rows = [dissection.row() for dissection in self.dissections]
        keys = ["task", "label", "model"]
        order = {key: list(dict.fromkeys(row[key] for row in rows)) for key in keys}
        return pd.DataFrame(rows).sort_values(
            keys, key=lambda column: column.map(order[str(column.name)].index), ignore_index=True
        )

    def document(self) -> dict[str, Any]:
        """One JSON document: results, ablations, sharing, findings, what was refused, path of the report."""
        return {
            "results": [dissection.document() for dissection in self.dissections],
            "ablations": [ablation.document() for ablation in self.ablations],
            "sharing": [
                {"model": model, "labelings": [one, other], "folder": place}
                for model, one, other, place in self.across
            ],
            "findings": self.findings.to_dict("records"),
            "refused": [vars(each) for each in self.refused],
            "report": str(self.report),
        }


def gathered(
    plan: Study, folder: Path, findings: pd.DataFrame, refused: tuple[Refused, ...], report: Path
) -> StudyResult:
    """Read what the steps of a study have saved."""
    from otoscope.activations import open_store
    from otoscope.interventions import Ablation

    dissections, ablations = [], []
    for (model, task), place in stores_of(plan, folder).items():
        store = open_store(place)
        specs = plan.models[model].spec, plan.tasks[task].spec
        dissections += [_dissection(model, task, label, specs, store.results) for label in store.labelings]
        ablations += [
            Ablation.load(each)
            for each in sorted(store.results.glob("ablate-*"))
            if (each / "ablation.json").is_file()
        ]
    pairs = [(model, *pair) for pair in plan.sharing.across for model in plan.models]
    across = [(*each, place) for each in pairs if (place := across_of(folder, *each)).is_dir()]
    return StudyResult(tuple(dissections), tuple(ablations), tuple(across), findings, refused, report)


def _dissection(model: str, task: str, label: str, specs: tuple[str, str], results: Path) -> Dissection:
    from otoscope.neurons.evidence.gathering import Evidence

    place, probe = results / f"evidence-{slug(label)}", results / f"probe-{slug(label)}.json"
    return Dissection(
        model,
        task,
        label,
        specs,
        Evidence.load(place) if place.is_dir() else None,
        read_json(probe) if probe.is_file() else None,
    )
