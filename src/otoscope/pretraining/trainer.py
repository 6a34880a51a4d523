"""The training loop: phases of updates, measured and kept so that a stopped run goes on where it was."""

import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from otoscope.models.m2d import M2D
from otoscope.models.vit import ViT, untrained
from otoscope.pretraining.checkpoint import State, read_checkpoint, write_checkpoint
from otoscope.pretraining.compute import forward_pass, generator, threads
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
    with Report(progress) as report, threads(config.threads):
        trainer = Trainer(config, report)
        for number, phase in enumerate(config.phases):
            if number >= trainer.state.phase:
                trainer.run(number, phase)
        return trainer.finish()


@dataclass(frozen=True)
class _Leg:
    # A phase on its way: what learns, and how long.
    number: int
    phase: Phase
    objective: Objective
    optimiser: torch.optim.Optimizer
    batch_size: int
    per_epoch: int
    steps: int


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
        self.best = None if self.saved is None else self.saved.best

    def run(self, number: int, phase: Phase) -> None:
        """Train one phase from wherever it is to its end."""
        state, leg = self.state, self._leg(number, phase)
        if self.saved is not None:
            leg.objective.load_state_dict(self.saved.objective)
            leg.optimiser.load_state_dict(self.saved.optimiser)
            self.saved = None
        elif number > 0:
            state.phase, state.step, state.best, state.waited = number, 0, None, 0
        if state.updates == 0:
            self._probe(phase)
        self.report.start(phase.objective, state.step, leg.steps, leg.batch_size)
        while state.step < leg.steps and not self._stopped(phase):
            clock = time.perf_counter()
            rate = learning_rate(state.step, leg.steps, phase.learning_rate, phase.warmup)
            loss, gradient = self._update(leg, rate)
            leg.objective.updated(state.step, leg.steps)
            state.step += 1
            state.updates += 1
            state.clips += leg.batch_size
            state.seconds += time.perf_counter() - clock
            state.pending.append(loss)
            self.report.advance(loss)
            self._keep(leg, rate, gradient)
        if self.best is not None:
            self.encoder.load_state_dict(self.best)
            self.best = None

    def _stopped(self, phase: Phase) -> bool:
        return phase.patience is not None and self.state.waited >= phase.patience

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

    def _leg(self, number: int, phase: Phase) -> _Leg:
        objective = build(phase, self.encoder, len(self.corpus.classes), self.config.seed + 1 + number)
        objective.to(self.device)
        batch_size = min(phase.batch_size, len(self.corpus.training))
        per_epoch = len(self.corpus.training) // batch_size
        steps = max(1, round(phase.epochs * per_epoch))
        return _Leg(number, phase, objective, optimiser(objective, phase), batch_size, per_epoch, steps)

    def _update(self, leg: _Leg, rate: float) -> tuple[float, float]:
        # One update; the loss before it and the norm of its gradient.
        seed, step = self.config.seed, self.state.step
        epoch, place = divmod(step, leg.per_epoch)
        order = np.random.default_rng([seed, leg.number, epoch]).permutation(self.corpus.training)
        clips = order[place * leg.batch_size : (place + 1) * leg.batch_size]
        leg.objective.train()
        for group in leg.optimiser.param_groups:
            group["lr"] = rate
        loss = self._loss(leg.objective, clips, generator(seed, leg.number, step))
        leg.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        gradient = nn.utils.clip_grad_norm_(leg.objective.parameters(), leg.phase.clip)
        leg.optimiser.step()
        return float(loss.detach()), float(gradient)

    def _loss(
        self, objective: Objective, clips: npt.NDArray[np.int64], chance: torch.Generator
    ) -> torch.Tensor:
        batch = self.corpus.batch(clips, self.frames, chance).to(self.device)
        with forward_pass(self.device, self.config.precision):
            return torch.as_tensor(objective(batch, chance))

    def _keep(self, leg: _Leg, rate: float, gradient: float) -> None:
        # Whatever is due after this update: a point of the curves, a checkpoint.
        state, config = self.state, self.config
        last = state.step == leg.steps
        measuring = last or state.updates % config.probe.every == 0
        if measuring or state.updates % config.log_every == 0:
            row: Row = {
                "objective": leg.phase.objective,
                "update": state.updates,
                "clips": state.clips,
                "seconds": round(state.seconds, 1),
                "loss": float(np.mean(state.pending)),
                "validation": self._validate(leg.objective) if measuring else None,
                "learning_rate": rate,
                "gradient": gradient,
            }
            state.curves.loss.append(row)
            state.pending.clear()
            if measuring:
                self._probe(leg.phase)
                self._judge(leg.phase, float(row["validation"]))
            state.curves.write(config.out)
        if last or self._stopped(leg.phase) or state.updates % config.checkpoint_every == 0:
            write_checkpoint(config, state, leg.objective, leg.optimiser, self.best)

    def _judge(self, phase: Phase, validation: float) -> None:
        # With patience: hold the best weights so far, and count the measurements since.
        if phase.patience is None:
            return
        if self.state.best is None or validation < self.state.best:
            self.state.best, self.state.waited = validation, 0
            self.best = {name: value.clone() for name, value in self.encoder.state_dict().items()}
        else:
            self.state.waited += 1

    @torch.no_grad()
    def _validate(self, objective: Objective) -> float:
        objective.eval()
        clips = self.corpus.validation
        parts = [clips[start : start + 64] for start in range(0, len(clips), 64)]
        losses = [
            float(self._loss(objective, part, generator(VALIDATION_SEED, number)))
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
