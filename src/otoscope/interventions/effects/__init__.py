"""What an intervention did, class by class, beside control sets; and the result that is kept."""

from otoscope.interventions.effects.collecting import Heard, collect
from otoscope.interventions.effects.result import Ablation

__all__ = ["Ablation", "Heard", "collect"]
