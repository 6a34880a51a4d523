"""The training loop: phases of updates, measured and kept so that a stopped run goes on where it was."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from otoscope.models.m2d import M2D
from otoscope.models.vit import ViT, untrained
from otoscope.pretraining.checkpoint import State, read_checkpoint, write_checkpoint
from otoscope.pretraining.config import Duo, Phase, PretrainConfig, Reconstruction, read_config
from otoscope.pretraining.curves import Row, latest
from otoscope.pretraining.data import prepare
from otoscope.pretraining.export import export
from otoscope.pretraining.m2d import MaskedModelingDuo
from otoscope.pretraining.monitor import Monitor
from otoscope.pretraining.objective import Objective
from otoscope.pretraining.reconstruction import MaskedReconstruction
from otoscope.pretraining.report import Report
from otoscope.pretraining.schedule import learning_rate, optimiser
from otoscope.pretraining.supervised import SupervisedTwin

VALIDATION_SEED = 1_000_003  # the same crops and masks at every measurement


@dataclass(frozen=True)
class PretrainResult:
    """Where a finished run left what it made.

    Attributes:
        weights: the exported encoder.
        out: the folder of checkpoint and curves.
        updates: number of updates, all phases together.
        loss: the last point of the loss curve.
        validation: the last loss on clips held out.
        probe: the last accuracy per `task label`.
    """

    weights: Path
    out: Path
    updates: int
    loss: float | None
    validation: float | None
    probe: dict[str, float]

    def document(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {**asdict(self), "weights": str(self.weights), "out": str(self.out)}


def pretrain(config_path: str | os.PathLike[str], *, progress: bool = False) -> PretrainResult:
    """Run what a YAML file describes, or go on with it where it was stopped; see `PretrainConfig`.

    Raises:
        ConfigError: the file has wrong keys, or the folder `out` holds another run.
    """
    return train(read_config(config_path), progress=progress)


def train(config: PretrainConfig, *, progress: bool = False) -> PretrainResult:
    """The same from a config in hand."""
    with Report(progress) as report, _threads(config.threads):
        trainer = Trainer(config, report)
        for number, phase in enumerate(config.phases):
            if number >= trainer.state.phase:
                trainer.run(number, phase)
        return trainer.finish()


class Trainer:
    """One run: corpus, encoder, monitor and how far it is.

    Chance (order of clips, crops, masks) is drawn afresh for each epoch and each update from the seed and
    their numbers, so nothing of it must be kept for a resumed run to equal an uninterrupted one.
    """

    def __init__(self, config: PretrainConfig, report: Report) -> None:
        self.config, self.report = config, report
        self.device = torch.device(config.device)
        self.saved = read_checkpoint(config)
        self.frames = config.model.input_size[1]
        self.corpus = prepare(
            config.data, self.frames, config.data.cache or config.out / "cache", report.spectrograms
        )
        self.encoder = untrained(config.model.vit(), config.seed).to(self.device)
        self.monitor = Monitor(
            config.probe.tasks,
            config.data.seconds,
            M2D(
                self.encoder,
                sample_rate=config.data.sample_rate,
                norm_stats=(self.corpus.mean, self.corpus.deviation),
            ),
        )
        self.state = State() if self.saved is None else self.saved.state

    def run(self, number: int, phase: Phase) -> None:
        """Train one phase from wherever it is to its end."""
        state = self.state
        objective = build(phase, self.encoder, len(self.corpus.classes), self.config.seed + 1 + number)
        objective.to(self.device)
        optimisation = optimiser(objective, phase)
        if self.saved is not None:
            objective.load_state_dict(self.saved.objective)
            optimisation.load_state_dict(self.saved.optimiser)
            self.saved = None
        elif number > 0:
            state.phase, state.step = number, 0
        if state.updates == 0:
            self._probe(phase)
        batch_size = min(phase.batch_size, len(self.corpus.training))
        per_epoch = len(self.corpus.training) // batch_size
        steps = max(1, round(phase.epochs * per_epoch))
        self.report.start(phase.objective, state.step, steps, batch_size)
        while state.step < steps:
            clock = time.perf_counter()
            epoch, place = divmod(state.step, per_epoch)
            order = np.random.default_rng([self.config.seed, number, epoch]).permutation(self.corpus.training)
            clips = order[place * batch_size : (place + 1) * batch_size]
            rate = learning_rate(state.step, steps, phase.learning_rate, phase.warmup)
            loss, gradient = self._update(objective, optimisation, phase, clips, rate, number)
            objective.updated(state.step, steps)
            state.step, state.updates, state.clips = (
                state.step + 1,
                state.updates + 1,
                state.clips + batch_size,
            )
            state.pending.append(loss)
            state.seconds += time.perf_counter() - clock
            self.report.advance(loss)
            self._keep(objective, optimisation, phase, steps, rate, gradient)

    def finish(self) -> PretrainResult:
        """Export the encoder and say how the run ended."""
        config, curves = self.config, self.state.curves
        curves.write(config.out)
        export(
            self.encoder,
            config.exported,
            mean=self.corpus.mean,
            deviation=self.corpus.deviation,
            sample_rate=config.data.sample_rate,
            about={"objectives": " then ".join(phase.objective for phase in config.phases)},
        )
        probe = {f"{row['task']} {row['label']}": float(row["accuracy"]) for row in curves.probe}
        return PretrainResult(
            config.exported,
            config.out,
            self.state.updates,
            latest(curves.loss, "loss"),
            latest(curves.loss, "validation"),
            probe,
        )

    def _update(
        self,
        objective: Objective,
        optimisation: torch.optim.Optimizer,
        phase: Phase,
        clips: npt.NDArray[np.int64],
        rate: float,
        number: int,
    ) -> tuple[float, float]:
        objective.train()
        generator = _generator(self.config.seed, number, self.state.step)
        for group in optimisation.param_groups:
            group["lr"] = rate
        loss = self._loss(objective, clips, generator)
        optimisation.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        gradient = nn.utils.clip_grad_norm_(objective.parameters(), phase.clip)
        optimisation.step()
        return float(loss.detach()), float(gradient)

    def _loss(
        self, objective: Objective, clips: npt.NDArray[np.int64], generator: torch.Generator
    ) -> torch.Tensor:
        batch = self.corpus.batch(clips, self.frames, generator).to(self.device)
        with compute(self.device, self.config.precision):
            return torch.as_tensor(objective(batch, generator))

    def _keep(
        self,
        objective: Objective,
        optimisation: torch.optim.Optimizer,
        phase: Phase,
        steps: int,
        rate: float,
        gradient: float,
    ) -> None:
        # Whatever is due after this update: a point of the loss curve, of the probe curve, a checkpoint.
        state, config = self.state, self.config
        last = state.step == steps
        probing = last or state.updates % config.probe.every == 0
        if last or state.updates % config.log_every == 0:
            row: Row = {
                "objective": phase.objective,
                "update": state.updates,
                "clips": state.clips,
                "seconds": round(state.seconds, 1),
                "loss": float(np.mean(state.pending)),
                "validation": self._validate(objective) if probing else None,
                "learning_rate": rate,
                "gradient": gradient,
            }
            state.curves.loss.append(row)
            state.pending.clear()
        if probing:
            self._probe(phase)
        if last or probing or state.updates % config.log_every == 0:
            state.curves.write(config.out)
        if last or state.updates % config.checkpoint_every == 0:
            write_checkpoint(config, state, objective, optimisation)

    @torch.no_grad()
    def _validate(self, objective: Objective) -> float:
        objective.eval()
        clips = self.corpus.validation
        parts = [clips[start : start + 64] for start in range(0, len(clips), 64)]
        losses = [
            float(self._loss(objective, part, _generator(VALIDATION_SEED, 0, number)))
            for number, part in enumerate(parts)
        ]
        return float(np.average(losses, weights=[len(part) for part in parts]))

    def _probe(self, phase: Phase) -> None:
        for row in self.monitor.measure():
            self.state.curves.probe.append(
                {"objective": phase.objective, "update": self.state.updates, **row}
            )


def build(phase: Phase, encoder: ViT, classes: int, seed: int) -> Objective:
    """The objective that a phase names, around an encoder."""
    if isinstance(phase, Reconstruction):
        return MaskedReconstruction(encoder, phase, seed)
    if isinstance(phase, Duo):
        return MaskedModelingDuo(encoder, phase, seed)
    return SupervisedTwin(encoder, phase, classes, seed)


@contextmanager
def compute(device: torch.device, precision: str) -> Iterator[None]:
    """Precision and kernels of the forward pass."""
    with ExitStack() as stack:
        stack.enter_context(torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"))
        if device.type == "cpu":
            # PyTorch's fused attention is made for long sequences: on a CPU, over the 20 tokens that masking
            # leaves, its backward pass in bfloat16 took longer than all the matrix products together.
            stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        yield


def _generator(*numbers: int) -> torch.Generator:
    seed = int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0]) >> 1
    return torch.Generator().manual_seed(seed)


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
