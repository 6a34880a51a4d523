"""Everything that says whether the selections of a labeling are to be believed, gathered in one result."""

from otoscope.neurons.evidence.evidence_result import Evidence

__all__ = ["Evidence"]
