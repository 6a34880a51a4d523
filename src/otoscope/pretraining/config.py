"""What a pre-training run is: one YAML file, checked to the last key."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from otoscope.errors import OtoscopeError
from otoscope.models.vit import ViTConfig

Positive = Annotated[int, Field(gt=0)]
Ratio = Annotated[float, Field(ge=0, lt=1)]


class ConfigError(OtoscopeError):
    """A pre-training file that cannot be used; the message names every wrong key."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataConfig(_Section):
    """Where the clips come from.

    Attributes:
        source: `rendered:DIR` for the output of tools/mini, or any task as `load_task` takes it
            (`folder:DIR`, `manifest:FILE`, ...).
        label: the labeling that the supervised objective learns; others need none.
        seconds: every clip is cropped or padded to this long before its spectrogram is kept.
        sample_rate: 16000 or 32000 Hz.
        validation: one clip in so many is held out and only measured.
        cache: folder for the log-mel spectrograms, computed once; default `cache` in the run's folder.
    """

    source: str
    label: str | None = None
    seconds: Annotated[float, Field(gt=0)] = 6.08
    sample_rate: Literal[16000, 32000] = 16000
    validation: Annotated[int, Field(ge=2)] = 50
    cache: Path | None = None


class ModelConfig(_Section):
    """Sizes of the ViT; the defaults are M2D's ViT-B."""

    input_size: tuple[Positive, Positive] = (80, 608)
    patch_size: tuple[Positive, Positive] = (16, 16)
    width: Positive = 768
    depth: Positive = 12
    heads: Positive = 12
    hidden: Positive = 3072

    def vit(self) -> ViTConfig:
        """The same as `models.vit` takes it."""
        return ViTConfig(**self.model_dump())


class _Phase(_Section):
    # Optimiser defaults: M2D's own, with a learning rate for small batches.
    epochs: Annotated[float, Field(gt=0)]
    batch_size: Positive = 256
    learning_rate: Annotated[float, Field(gt=0)] = 3e-4
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.07
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    betas: tuple[float, float] = (0.9, 0.95)
    clip: Annotated[float, Field(gt=0)] = 3.0
    # Measurements of the loss on held-out clips without a better one, after which the phase ends early. With
    # it, the weights of the best measurement are what the phase leaves.
    patience: Positive | None = None


class Reconstruction(_Phase):
    """Masked reconstruction of log-mel patches (MSM-MAE)."""

    objective: Literal["reconstruction"]
    mask_ratio: Ratio = 0.75
    width: Positive = 384
    depth: Positive = 4
    heads: Positive = 6


class Duo(_Phase):
    """Masked Modeling Duo: predict what a slower encoder makes of the masked patches."""

    objective: Literal["m2d"]
    mask_ratio: Ratio = 0.7
    width: Positive = 512
    depth: Positive = 8
    heads: Positive = 16
    decay: tuple[Ratio, Ratio] = (0.99995, 0.99999)
    standardise: Literal["token", "batch and token"] = "token"
    target_start: Literal["random", "online"] = "random"


class Supervised(_Phase):
    """Cross-entropy on a linear head over the mean token."""

    objective: Literal["supervised"]
    drop_ratio: Ratio = 0.0


Phase = Annotated[Reconstruction | Duo | Supervised, Field(discriminator="objective")]


class ProbeConfig(_Section):
    """A monitor beside the training: how well a linear probe reads labels off the frozen encoder.

    Attributes:
        tasks: tasks as `load_task` takes them; every labeling of each is probed.
        every: updates between two measurements; the first is before the first update.
    """

    tasks: tuple[str, ...] = ()
    every: Positive = 500


class PretrainConfig(_Section):
    """A whole run.

    Attributes:
        out: folder of checkpoint, curves and cache.
        export: half-precision safetensors file to write at the end; default `encoder.safetensors` in `out`.
        seed: of weights, order of clips, crops and masks.
        device: `cpu`, `cuda`, `mps`.
        threads: of PyTorch on a CPU; default what PyTorch takes.
        precision: `bf16` computes matrix products in bfloat16, weights stay in float32.
        phases: trained one after the other, each on the encoder that the last one left.
        log_every: updates between two points of the loss curve.
        checkpoint_every: updates between two checkpoints.
    """

    out: Path
    export: Path | None = None
    seed: Annotated[int, Field(ge=0)] = 0
    device: str = "cpu"
    threads: Positive | None = None
    precision: Literal["fp32", "bf16"] = "fp32"
    data: DataConfig
    model: ModelConfig = ModelConfig()
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    probe: ProbeConfig = ProbeConfig()
    log_every: Positive = 20
    checkpoint_every: Positive = 500

    @model_validator(mode="after")
    def _label_for_supervision(self) -> "PretrainConfig":
        if self.data.label is None and any(phase.objective == "supervised" for phase in self.phases):
            raise ValueError("data.label: a supervised phase needs to know which labeling it learns")
        return self

    @property
    def exported(self) -> Path:
        """Where the finished encoder goes."""
        return self.export or self.out / "encoder.safetensors"

    @property
    def identity(self) -> dict[str, Any]:
        """What must not change between a run and its continuation, as plain JSON values."""
        free = {"out", "export", "device", "threads", "probe", "log_every", "checkpoint_every"}
        return self.model_dump(mode="json", exclude=free)


def read_config(path: str | os.PathLike[str]) -> PretrainConfig:
    """Read and check a YAML file.

    Raises:
        ConfigError: it is not there, not YAML, or has missing, unknown or impossible keys (all are named).
    """
    try:
        document = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror}; expected a YAML file; see tools/mini/ssl.yaml"
        ) from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path} holds {type(document).__name__}; expected keys such as out, data, phases")
    return parse_config(document, where=str(path))


def parse_config(document: dict[str, Any], *, where: str = "config") -> PretrainConfig:
    """Check a document of plain values; `where` begins the message of an error.

    >>> parse_config({"out": "run", "data": {"source": "folder:x", "sed": 1}, "phases": []})
    Traceback (most recent call last):
    otoscope.pretraining.config.ConfigError: config: data.sed: Extra inputs are not permitted;
    phases: Tuple should have at least 1 item after validation, not 0
    """
    try:
        config = PretrainConfig.model_validate(document)
    except ValidationError as error:
        raise ConfigError(f"{where}: " + "; ".join(_line(item) for item in error.errors())) from error
    config.model.vit()  # raises if the sizes do not fit together
    return config


def _line(item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"])
    message = item["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" if key else message
