"""The names that models go by: `m2d:PATH`, `mini:ssl`, `random:NAME@SEED`."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

import torch

from otoscope.errors import UsageError
from otoscope.models.base import AudioModel
from otoscope.models.checkpoints import NORM_STATS
from otoscope.models.loading import load_m2d
from otoscope.models.m2d import M2D
from otoscope.models.mini import load_mini
from otoscope.models.names import parse_name
from otoscope.models.vit import ViTConfig, untrained

# The end of an M2D model class names its size: width, depth, heads, hidden units.
SIZES = {"vit_base": (768, 12, 12, 3072), "vit_large": (1024, 24, 16, 4096)}


@dataclass(frozen=True)
class ModelRow:
    """A kind of model that exists.

    Attributes:
        name: how to name it, with the parts that vary in capitals.
        example: a complete spec.
        needs: what has to be on disk.
        about: what it is.
    """

    name: str
    example: str
    needs: str
    about: str


@dataclass(frozen=True)
class Overrides:
    """What the caller knows better than a weight file and its name."""

    input_size: tuple[int, int] | None = None
    patch_size: tuple[int, int] | None = None
    sample_rate: int | None = None

    def query(self) -> str:
        """Write them as the end of a spec, so that the model's name makes it again.

        >>> Overrides(input_size=(80, 1001), sample_rate=32000).query()
        '?input_size=80x1001&sample_rate=32000'
        """
        sizes = {"input_size": self.input_size, "patch_size": self.patch_size}
        parts = [f"{key}={size[0]}x{size[1]}" for key, size in sizes.items() if size]
        if self.sample_rate:
            parts.append(f"sample_rate={self.sample_rate}")
        return "?" + "&".join(parts) if parts else ""


def available() -> list[ModelRow]:
    """The kinds of models that `load_model` can load.

    >>> [row.name for row in available()]
    ['m2d:PATH', 'mini:ssl', 'mini:supervised', 'mini:random[@SEED]', 'random:NAME[@SEED]']
    """
    folder = "m2d_vit_base-80x608p16x16-221006-mr7"
    return [
        ModelRow("m2d:PATH", f"m2d:{folder}/checkpoint-300.pth", "the weight file",
                 "M2D and any ViT with its keys, 16 or 32 kHz; sizes from the folder's name"),
        ModelRow("mini:ssl", "mini:ssl", "nothing",
                 "embedded miniature, self-supervised: 12 layers of 768 neurons"),
        ModelRow("mini:supervised", "mini:supervised", "nothing", "its twin, trained with labels"),
        ModelRow("mini:random[@SEED]", "mini:random@1", "nothing", "its twin, untrained"),
        ModelRow("random:NAME[@SEED]", f"random:{folder}@1", "nothing",
                 "the architecture that an M2D name says, untrained"),
    ]  # fmt: skip


def load_model(
    spec: str,
    *,
    device: torch.device | str = "cpu",
    input_size: tuple[int, int] | None = None,
    patch_size: tuple[int, int] | None = None,
    sample_rate: int | None = None,
    allow: Sequence[str] = (),
) -> AudioModel:
    """Load a model by its name.

    Args:
        spec: "m2d:PATH", "mini:ssl", "mini:supervised", "mini:random" or "random:NAME", the last two with an
            optional "@SEED"; NAME is an M2D folder name. A path may carry the overrides below, as in
            "m2d:PATH?input_size=80x1001&sample_rate=32000"; the model's `name` does.
        device: "cpu", "cuda" or "mps".
        input_size: mel bins and frames, for an M2D file whose folder does not say them.
        patch_size: mel bins and frames of a patch, likewise; must be the weights' own.
        sample_rate: Hz, likewise.
        allow: dotted names that an M2D file may call while it is read; by default it may not run any code.

    Raises:
        UsageError: no such kind of model, or options that it does not take.
        OtoscopeError: the model cannot be loaded; the message says why.

    >>> model = load_model("mini:random@7")
    >>> len(model.layers), model.layers[0].units, model.embedding_size
    (12, 768, 960)
    """
    where = _device(device)
    family, _, rest = spec.partition(":")
    overrides = Overrides(input_size, patch_size, sample_rate)
    if family == "m2d" and rest:
        return _load_file(rest, overrides, allow).to(where)
    if family in ("mini", "random") and rest:
        if overrides != Overrides() or allow:
            raise UsageError(
                f"{spec} takes no input_size, patch_size, sample_rate or allow; only m2d:PATH does"
            )
        name, seed = _seed(spec, rest)
        return (load_mini(name, seed) if family == "mini" else _load_random(name, seed)).to(where)
    expected = ", ".join(row.name for row in available())
    raise UsageError(f"there is no model {spec!r}; expected {expected}; try `otoscope models`")


def _device(device: torch.device | str) -> torch.device:
    try:
        where = torch.device(device)
    except RuntimeError as error:
        raise UsageError(f"there is no device {device!r}; expected cpu, cuda or mps") from error
    missing = {"cuda": not torch.cuda.is_available(), "mps": not torch.backends.mps.is_available()}
    if missing.get(where.type):
        raise UsageError(f"device {device} is not available on this machine; try cpu")
    return where


def _load_file(rest: str, overrides: Overrides, allow: Sequence[str]) -> M2D:
    path, _, query = rest.partition("?")
    written = _read_query(query)
    settled = Overrides(
        overrides.input_size or written.input_size,
        overrides.patch_size or written.patch_size,
        overrides.sample_rate or written.sample_rate,
    )
    return load_m2d(
        path,
        name=f"m2d:{path}{settled.query()}",
        input_size=settled.input_size,
        patch_size=settled.patch_size,
        sample_rate=settled.sample_rate,
        allow=allow,
    )


def _read_query(query: str) -> Overrides:
    values: dict[str, str] = dict(parse_qsl(query, keep_blank_values=True))
    try:
        rate = values.pop("sample_rate", None)
        sizes = {key: _size(value) for key, value in values.items()}
        return Overrides(sample_rate=int(rate) if rate else None, **sizes)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"the end of the model's name, ?{query}, cannot be read; expected input_size=BINSxFRAMES, "
            "patch_size=BINSxFRAMES or sample_rate=HZ, joined by &"
        ) from error


def _size(text: str) -> tuple[int, int]:
    bins, frames = text.split("x")
    return int(bins), int(frames)


def _seed(spec: str, rest: str) -> tuple[str, int | None]:
    name, at, seed = rest.partition("@")
    if at and not seed.isdecimal():
        raise UsageError(f"the seed of {spec!r} is {seed!r}; expected a whole number from 0, as in {name}@1")
    return name, int(seed) if at else None


def _load_random(text: str, seed: int | None) -> M2D:
    name = parse_name(text)
    size = next((size for end, size in SIZES.items() if name and name.model_class.endswith(end)), None)
    if name is None or size is None:
        raise UsageError(
            f"{text!r} does not name an architecture; expected an M2D name whose class ends in "
            f"{' or '.join(SIZES)}; try random:m2d_vit_base-80x608p16x16"
        )
    vit = untrained(ViTConfig(name.input_size, name.patch_size, *size), seed or 0)
    spec = f"random:{text}" if seed is None else f"random:{text}@{seed}"
    return M2D(vit, sample_rate=name.sample_rate, norm_stats=NORM_STATS, name=spec)
