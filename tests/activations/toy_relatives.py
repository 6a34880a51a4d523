"""Models that hear clips in other batches than the toy model; in a module that workers can import."""

import hashlib
import os
import signal

from toy_audio_model import ToyModel

from otoscope.errors import OtoscopeError


class Coarse(ToyModel):
    """Fills clips up to a multiple of some frames, so that more of them are alike; may refuse short ones."""

    def __init__(self, step, *, rate=1000, shortest=1, name="coarse", **options):
        super().__init__(name=name, **options)
        self.step = step
        self.shortest = shortest
        self.sample_rate = rate
        settings = f"{self.fingerprint} {step} {shortest} {rate}"
        self.fingerprint = hashlib.sha256(settings.encode()).hexdigest()

    def length(self, samples):
        frames = super().length(samples)
        if frames < self.shortest:
            raise OtoscopeError(
                f"{frames} frames are too few for {self.name}; expected {self.shortest} or more"
            )
        return -(-frames // self.step) * self.step


def audience():
    """Three models: the toy, one of other batches, and one of another sample rate."""
    return [ToyModel(), Coarse(7, seed=1), Coarse(1, rate=500, units=(8, 40), seed=2, name="slow")]


class Mortal(ToyModel):
    """Kills its process, or raises an error, at its first passes over clips of a length."""

    def __init__(self, mark, *, deaths, length=None, error=None):
        super().__init__()
        self.mark = mark
        self.deaths = deaths
        self.frames = None if length is None else self.length(length)
        self.error = error

    def forward(self, chunk):
        if self.frames in (None, chunk.inputs.shape[1]):
            died = self.mark.read_text() if self.mark.exists() else ""
            if len(died) < self.deaths:
                self.mark.write_text(died + "x")
                if self.error:
                    raise self.error
                os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(chunk)
