"""Neurons: how often they fire for each class, which are class-specific, and what evidence there is."""

from otoscope.neurons.addresses import flat_index, format_address, parse_address
from otoscope.neurons.chance import Chance, Spread
from otoscope.neurons.designs import Design, design_of
from otoscope.neurons.entropy import entropy
from otoscope.neurons.evidence.compared_sharing import compare_sharing
from otoscope.neurons.evidence.evidence_result import Evidence
from otoscope.neurons.evidence.held_out import HeldOut, held_out
from otoscope.neurons.evidence.model_comparison import ModelComparison
from otoscope.neurons.evidence.models import compare
from otoscope.neurons.evidence.multiverse import multiverse
from otoscope.neurons.evidence.multiverse_result import Multiverse
from otoscope.neurons.evidence.power import Power, power
from otoscope.neurons.evidence.significance import NeuronTests, neuron_tests
from otoscope.neurons.evidence.size_bias import equalised, size_bias
from otoscope.neurons.evidence.stability import Stability, stability
from otoscope.neurons.filters import PRESETS, Filters
from otoscope.neurons.meaning.account import Acoustics
from otoscope.neurons.meaning.acoustics import acoustics
from otoscope.neurons.meaning.explained import explained
from otoscope.neurons.meaning.follows import follows
from otoscope.neurons.meaning.mrqap import MatrixRegression, mrqap
from otoscope.neurons.meaning.result import Follows
from otoscope.neurons.meaning.rows import listens_to
from otoscope.neurons.probability import firing_probability
from otoscope.neurons.selecting import select
from otoscope.neurons.selection import Selection
from otoscope.neurons.selectors import compare_selectors, rank
from otoscope.neurons.sharing.counting import Sharing, share
from otoscope.neurons.sharing.paper import PAPER_FIGURES, paper_figure
from otoscope.neurons.sharing.profiles import ProfileCorrelation, profile_correlation
from otoscope.neurons.sharing.tested import sharing_test
from otoscope.neurons.sharing.testing import SharingTests
from otoscope.neurons.worlds.building import World, world
from otoscope.neurons.worlds.planting import Planted, planted

__all__ = [
    "PAPER_FIGURES",
    "PRESETS",
    "Acoustics",
    "Chance",
    "Design",
    "Evidence",
    "Filters",
    "Follows",
    "HeldOut",
    "MatrixRegression",
    "ModelComparison",
    "Multiverse",
    "NeuronTests",
    "Planted",
    "Power",
    "ProfileCorrelation",
    "Selection",
    "Sharing",
    "SharingTests",
    "Spread",
    "Stability",
    "World",
    "acoustics",
    "compare",
    "compare_selectors",
    "compare_sharing",
    "design_of",
    "entropy",
    "equalised",
    "explained",
    "firing_probability",
    "flat_index",
    "follows",
    "format_address",
    "held_out",
    "listens_to",
    "mrqap",
    "multiverse",
    "neuron_tests",
    "paper_figure",
    "parse_address",
    "planted",
    "power",
    "profile_correlation",
    "rank",
    "select",
    "share",
    "sharing_test",
    "size_bias",
    "stability",
    "world",
]
