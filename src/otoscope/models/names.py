"""M2D's folder names, which say what the weights in them do not: `m2d_vit_base-80x608p16x16-221006-mr7`."""

import re
from dataclasses import dataclass
from pathlib import Path

DEFAULT_RATE = 16000  # Hz; what a name without a rate means

# input p patch [p rate [p extra ...]]
_GRID = re.compile(r"(\d+)x(\d+)p(\d+)x(\d+)(?:p(\d+)k((?:p[^p]+)*))?")


@dataclass(frozen=True)
class ModelName:
    """What an M2D name says.

    Attributes:
        model_class: "m2d_vit_base" for example.
        input_size: mel bins and frames of a chunk.
        patch_size: mel bins and frames of a patch.
        rate: sample rate in Hz, None where the name does not say it (which means 16 kHz).
        extras: further codes after the rate; for CLAP models the text encoder and where its weights are.
    """

    model_class: str
    input_size: tuple[int, int]
    patch_size: tuple[int, int]
    rate: int | None = None
    extras: tuple[str, ...] = ()

    @property
    def sample_rate(self) -> int:
        """Hz, with the default where the name does not say it."""
        return self.rate or DEFAULT_RATE


def parse_name(name: str) -> ModelName | None:
    """Read a name `<class>-<input>p<patch>[p<rate>[p<extra>...]][-<free text>]`; None if it is not one.

    >>> parse_name("m2d_vit_base-80x200p16x4p32k-230529")
    ModelName(model_class='m2d_vit_base', input_size=(80, 200), patch_size=(16, 4), rate=32000, extras=())
    >>> parse_name("checkpoints") is None
    True

    Source: nttcslab/m2d (examples/portable_m2d.py).
    """
    parts = name.split("-")
    if len(parts) < 2 or not parts[0] or not (match := _GRID.fullmatch(parts[1])):
        return None
    bins, frames, high, wide = (int(size) for size in match.groups()[:4])
    rate = int(match[5]) * 1000 if match[5] else None
    extras = tuple(match[6].split("p")[1:]) if match[6] else ()
    return ModelName(parts[0], (bins, frames), (high, wide), rate, extras)


def name_of(path: Path) -> ModelName | None:
    """Read the name of a weight file's folder, else that of the file itself; None if neither is an M2D name.

    >>> name_of(Path("weights/m2d_vit_base-80x608p16x16-221006-mr7/checkpoint-300.pth")).input_size
    (80, 608)
    """
    return parse_name(path.absolute().parent.name) or parse_name(path.stem)
