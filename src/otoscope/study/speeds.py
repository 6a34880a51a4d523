"""How fast this machine is at what a study does: models hear noise, a planted recording is dissected."""

import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from otoscope.errors import OtoscopeError
from otoscope.study.plan import Study

if TYPE_CHECKING:
    from otoscope.models import AudioModel

__all__ = ["Speeds", "measured"]

_STAND_IN = "random:m2d_vit_base-80x608p16x16@0"
_CLIPS = 2  # heard at once
_SHORT = 20  # permutations in the trial


@dataclass(frozen=True)
class Speeds:
    """What was measured.

    Attributes:
        missing: models that cannot be loaded, a sentence each.
        neurons: of each model.
        heard: seconds for a clip of each length (in seconds), by model.
        weights: bytes of each model's weights.
        batch: bytes that hearing a clip takes, about.
        dissect_s: seconds for a neuron on a clip, all that is asked of one labeling together.
        sentences: what was measured, and what stood in for what is missing.
    """

    missing: tuple[str, ...]
    neurons: dict[str, int]
    heard: dict[str, dict[float, float]]
    weights: dict[str, int]
    batch: float
    dissect_s: float
    sentences: tuple[str, ...]

    def clip_s(self, model: str, seconds: float) -> float:
        """Seconds for which a model hears a clip: that of the length measured which is closest."""
        known = self.heard[model]
        return known[min(known, key=lambda each: abs(each - seconds))]

    def memory(self, copies: int, batch: int) -> float:
        """Bytes that recording all models and their twins takes, about."""
        return sum(self.weights.values()) * copies + self.batch * batch + _resident()


def measured(plan: Study, lengths: Sequence[float], device: str, say: Callable[[str], None]) -> Speeds:
    """Measure what a study's models and statistics take.

    Args:
        plan: the study; a model that cannot be loaded is stood in for by a random one.
        lengths: seconds of clips to measure; 5 s where none is known.
        device: where the models run.
        say: called with a line as each step begins.
    """
    import torch

    missing, sentences = [], []
    neurons, heard, weights, grown = {}, {}, {}, 0.0
    partly = plan.partly_filled()
    for name, entry in partly.models.items():
        say(f"measuring {name}")
        model, problem = _model(entry.spec, any(f"{{{path}}}" in entry.spec for path in plan.missing), device)
        missing += [f"model {name}: {problem}"] if problem else []
        sentences += (
            [f"{model.name} with random weights stood in for {name}"] if model.name != entry.spec else []
        )
        neurons[name] = sum(layer.units for layer in model.layers)
        before = _resident()
        with torch.inference_mode():
            rounded = sorted({round(each, 1) for each in lengths} or {5.0})
            heard[name] = {each: _hears(model, each) for each in rounded}
        grown = max(grown, (_resident() - before) / _CLIPS)
        weights[name] = _bytes_of(model)
    say("measuring the statistics")
    dissect = _dissects(plan)
    speed = ", ".join(
        f"{name} {1 / np.mean(list(times.values())):.1f} clips a second" for name, times in heard.items()
    )
    sentences.append(f"measured on {device}, {_CLIPS} clips of noise of each length: {speed}")
    return Speeds(tuple(missing), neurons, heard, weights, grown, dissect, tuple(sentences))


def _model(spec: str, unfilled: bool, device: str) -> "tuple[AudioModel, str]":
    """The model, or a random one of its architecture, else of M2D's ViT-B; and what is missing."""
    from otoscope.models import load_model

    problem = ""
    if not unfilled:
        try:
            return load_model(spec, device=device), ""
        except OtoscopeError as error:
            problem = str(error)
        try:
            # An M2D's folder says what it is, also where the file itself is missing.
            return load_model(f"random:{spec.split('/')[-2]}@0", device=device), problem
        except (OtoscopeError, IndexError):
            pass
    return load_model(_STAND_IN, device=device), problem


def _hears(model: Any, seconds: float) -> float:
    """Seconds that a bare forward pass over a clip takes: recording costs hardly more."""
    from otoscope.audio import Waveform

    random = np.random.default_rng(0)
    size = round(seconds * model.sample_rate)
    sounds = [Waveform(random.standard_normal(size).astype(np.float32) * 0.1, size) for _ in range(_CLIPS)]
    took = []
    for _ in range(2):  # the first time memory is found, and kernels are chosen
        start = time.perf_counter()
        for chunk in model.prepare(sounds):
            model.forward(chunk).sum().item()
        took.append(time.perf_counter() - start)
    return min(took) / _CLIPS


def _dissects(plan: Study) -> float:
    """Seconds for a neuron on a clip, evidence and sharing of one labeling, without twins."""
    from otoscope.neurons import sharing_test
    from otoscope.neurons.evidence.gathering import evidence
    from otoscope.neurons.sharing.profiles import profile_correlation
    from otoscope.neurons.worlds.building import world

    planted = world(classes=4, groups=12, clips=4, layers=2, units=1500)
    start = time.perf_counter()
    evidence(planted, "class", permutations=_SHORT, splits=1, bootstrap=_SHORT)
    sharing_test(planted, "class", permutations=_SHORT)
    profile_correlation(planted, "class", permutations=_SHORT, resamples=_SHORT)
    took = time.perf_counter() - start
    return took * plan.permutations / _SHORT / (len(planted.tokens) * 3000)


def _bytes_of(model: Any) -> int:
    module = getattr(model, "module", model)
    parameters = getattr(module, "parameters", None)
    return 0 if parameters is None else sum(each.numel() * each.element_size() for each in parameters())


def _resident() -> float:
    """The most memory that this process has had, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(most if sys.platform == "darwin" else most * 1024)
