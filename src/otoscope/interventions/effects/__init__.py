"""What an intervention did, class by class, beside control sets; and the result that is kept."""

from otoscope.interventions.effects.collecting import Heard, collect
from otoscope.interventions.effects.detectable import Detectable, detectable
from otoscope.interventions.effects.result import Ablation
from otoscope.interventions.effects.specificity import causal_specificity
from otoscope.interventions.effects.testing import check_tested

__all__ = ["Ablation", "Detectable", "Heard", "causal_specificity", "check_tested", "collect", "detectable"]
