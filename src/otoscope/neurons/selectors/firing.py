"""Selectors that look at firing probabilities only."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

from otoscope.neurons.entropy import class_entropy
from otoscope.neurons.filters import PRESETS, order_statistic
from otoscope.neurons.selectors.base import selector
from otoscope.neurons.selectors.block import Block

__all__ = ["aape", "drop5", "entropy", "lap", "mutual_information"]

_ZHAO = "Zhao, Schuller and Sisman 2026, arXiv:2601.03115"
_AAPE = "Kawamura, Niizumi and Ono 2026, arXiv:2602.15307, after Tang et al. 2024, arXiv:2402.16438"


@selector("lap", "activation probability alone: p(class)", source=_ZHAO)
def lap(block: Block) -> NDArray[np.float64]:
    """p(k), token-pooled, in [0, 1]. A neuron that always fires scores highest."""
    return block.p


@selector("entropy", "low entropy of p over the classes, whatever the p", source=_AAPE)
def entropy(block: Block) -> NDArray[np.float64]:
    """Depth log K - AAPE in nats, for the class of largest p; 0 for one that fires equally for all."""
    return _depth(block, -1.0)


@selector("aape", "entropy, of neurons with a p in the top 5 % (as lape)", source=_AAPE)
def aape(block: Block) -> NDArray[np.float64]:
    """`entropy`, of neurons that pass the response filter of the presets `aape` and `lape` only.

    The best neurons are those that these presets select; a preset may give one to several classes, here it
    goes to the class of largest p.
    """
    return _depth(block, PRESETS["aape"].response)


@selector("aape-drop5", "entropy, of neurons with a p above the lowest 5 %", source=_AAPE)
def drop5(block: Block) -> NDArray[np.float64]:
    """`entropy`, of neurons that pass the response filter of the preset `aape-drop5` only."""
    return _depth(block, PRESETS["aape-drop5"].response)


@selector(
    "mi", "mutual information of firing and class, over tokens", source="Shannon 1948; Cover and Thomas"
)
def mutual_information(block: Block) -> NDArray[np.float64]:
    """I(fires; class) in nats over tokens, from the formula, for the class of highest mean rate.

        I = sum over classes k and over fires or not f of P(k, f) log(P(k, f) / (P(k) P(f)))

    with P(k, fires) = p(k) tokens(k) / all tokens. It is `sklearn.metrics.mutual_info_score` of the tokens.
    A plug-in estimate, biased upwards by about (K - 1) / (2 tokens) nats.
    """
    weights = block.class_tokens / block.class_tokens.sum(axis=0)
    p = block.p
    fires = (weights * p).sum(axis=0)
    information = (weights * (rel_entr(p, fires) + rel_entr(1 - p, 1 - fires))).sum(axis=0)
    return block.at_best(np.maximum(information, 0.0))


def _depth(block: Block, response: float) -> NDArray[np.float64]:
    """Depth of neurons whose largest p exceeds this quantile of all p; of all for a negative one."""
    p = block.p
    depth = np.log(len(p)) - class_entropy(p)
    if response >= 0:
        (least,) = order_statistic(block.every_p, response)
        depth[~(p.max(axis=0) > least)] = np.nan
    return block.at_best(depth, p.argmax(axis=0))
