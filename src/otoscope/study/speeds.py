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
_LONGEST_S = 10.0  # longer clips are heard in pieces, and take as much longer
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
        describe_s: seconds for a second of sound, all descriptors together.
        dissect_s: seconds for a neuron on a clip, all that is asked of one labeling together.
        sentences: what was measured, and what stood in for what is missing.
    """

    missing: tuple[str, ...]
    neurons: dict[str, int]
    heard: dict[str, dict[float, float]]
    weights: dict[str, int]
    batch: float
    describe_s: float
    dissect_s: float
    sentences: tuple[str, ...]

    def clip_s(self, model: str, seconds: float) -> float:
        """Seconds for which a model hears a clip, on the line through the two lengths measured."""
        (short, fast), *rest = sorted(self.heard[model].items())
        if not rest:
            return fast * seconds / short
        long, slow = rest[-1]
        return max(0.0, fast + (slow - fast) * (seconds - short) / (long - short))

    def memory(self, copies: int, batch: int) -> float:
        """Bytes that recording all models and their twins takes, about."""
        return sum(self.weights.values()) * copies + self.batch * batch + _resident()


def measured(plan: Study, lengths: Sequence[float], device: str, say: Callable[[str], None]) -> Speeds:
    """Measure what a study's models and statistics take.

    Args:
        plan: the study; a model that cannot be loaded is stood in for by a random one.
        lengths: seconds of clips; the shortest and the longest, up to 10 s, are measured, or 5 s.
        device: where the models run.
        say: called with a line as each step begins.
    """
    import torch

    missing, sentences = [], []
    neurons, heard, weights, grown = {}, {}, {}, 0.0
    partly = plan.partly_filled()
    tried = {round(min(each, _LONGEST_S), 1) for each in (min(lengths), max(lengths))} if lengths else {5.0}
    times: dict[str, dict[float, float]] = {}
    for name, entry in partly.models.items():
        say(f"measuring {name}")
        model, problem = _model(entry.spec, any(f"{{{path}}}" in entry.spec for path in plan.missing), device)
        missing += [f"model {name}: {problem}"] if problem else []
        sentences += (
            [f"{model.name} with random weights stood in for {name}"] if model.name != entry.spec else []
        )
        neurons[name] = sum(layer.units for layer in model.layers)
        before = _resident()
        if model.fingerprint not in times:
            with torch.inference_mode():
                times[model.fingerprint] = {each: _hears(model, each) for each in sorted(tried)}
        heard[name] = times[model.fingerprint]
        grown = max(grown, (_resident() - before) / _CLIPS)
        weights[name] = _bytes_of(model)
    say("measuring the statistics")
    dissect, describe = _dissects(plan), _describes()
    speed = ", ".join(
        f"{name} {1 / took:.1f} clips of {each:g} s"
        for name, known in heard.items()
        for each, took in known.items()
    )
    sentences.append(f"measured on {device}, clips of noise in a second: {speed}")
    return Speeds(tuple(missing), neurons, heard, weights, grown, describe, dissect, tuple(sentences))


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


def _describes() -> float:
    """Seconds that describing a second of sound takes."""
    from otoscope.descriptors.measures import SAMPLE_RATE, measure

    noise = np.random.default_rng(0).standard_normal(2 * SAMPLE_RATE).astype(np.float32) * 0.1
    measure(noise)  # the first time code is compiled
    start = time.perf_counter()
    measure(noise)
    return (time.perf_counter() - start) / 2


def _bytes_of(model: Any) -> int:
    module = getattr(model, "module", model)
    parameters = getattr(module, "parameters", None)
    return 0 if parameters is None else sum(each.numel() * each.element_size() for each in parameters())


def _resident() -> float:
    """The most memory that this process has had, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(most if sys.platform == "darwin" else most * 1024)
