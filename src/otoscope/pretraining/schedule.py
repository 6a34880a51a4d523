"""M2D's optimiser, and the learning rate over the updates."""

import math

import torch
from torch import nn

from otoscope.pretraining.config import Phase


def learning_rate(step: int, steps: int, peak: float, warmup: float) -> float:
    """Linear from 0 to `peak` over the first share `warmup` of the updates, then half a cosine down to 0.

    >>> [round(learning_rate(step, 8, peak=1.0, warmup=0.25), 2) for step in range(9)]
    [0.0, 0.5, 1.0, 0.93, 0.75, 0.5, 0.25, 0.07, 0.0]
    """
    rising = warmup * steps
    if step < rising:
        return peak * step / rising
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rising) / (steps - rising)))


def optimiser(module: nn.Module, phase: Phase) -> torch.optim.AdamW:
    """AdamW over what can be learnt; weight decay on matrices, not on biases and other vectors."""
    learnt = [parameter for parameter in module.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in learnt if p.ndim > 1], "weight_decay": phase.weight_decay},
        {"params": [p for p in learnt if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=phase.learning_rate, betas=phase.betas, fused=True)
