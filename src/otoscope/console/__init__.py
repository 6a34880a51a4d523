"""What the verbs print: tables of at most 80 columns on stdout, what is being done on stderr."""

from otoscope.console.acoustics import acoustics_lines
from otoscope.console.clips import (
    descriptor_lines,
    descriptors_document,
    model_lines,
    store_document,
    store_lines,
    survey_lines,
    task_document,
    task_lines,
)
from otoscope.console.comparing import comparison_lines, selector_lines
from otoscope.console.doing import address_lines, pretraining_lines, probe_lines
from otoscope.console.evidence import evidence_lines
from otoscope.console.impact import ablation_lines
from otoscope.console.keeping import difference_lines, verified_lines
from otoscope.console.listening import card_lines
from otoscope.console.multiverse import multiverse_lines
from otoscope.console.neurons import power_lines, selection_lines
from otoscope.console.printing import say, show
from otoscope.console.sharing import sharing_lines
from otoscope.console.study import dry_run_lines, study_lines

__all__ = [
    "ablation_lines",
    "acoustics_lines",
    "address_lines",
    "card_lines",
    "comparison_lines",
    "descriptor_lines",
    "descriptors_document",
    "difference_lines",
    "dry_run_lines",
    "evidence_lines",
    "model_lines",
    "multiverse_lines",
    "power_lines",
    "pretraining_lines",
    "probe_lines",
    "say",
    "selection_lines",
    "selector_lines",
    "sharing_lines",
    "show",
    "store_document",
    "store_lines",
    "study_lines",
    "survey_lines",
    "task_document",
    "task_lines",
    "verified_lines",
]
