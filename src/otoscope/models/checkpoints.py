"""Weight files, read without running code from them, whatever M2D and EVAR put around the encoder."""

import importlib
import pickle
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import safetensors
import torch
from torch import Tensor, nn
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from otoscope.errors import OtoscopeError, UsageError

Module = TypeVar("Module", bound=nn.Module)

NORM_STATS = (-7.1, 4.2)  # log-mel mean and standard deviation of the 2022 models, whose files lack them

HEAD_SIZE = 64  # channels of an attention head, in every published ViT over spectrograms

# Prefixes around the encoder's keys: of a saved runtime object, and of EVAR's fine-tuned files.
_RUNTIME, _FINE_TUNED = "backbone.", "module.ar.runtime.backbone."
_LEGACY_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"  # how torch.save began before torch 1.6
_ALWAYS_ALLOWED = "argparse.Namespace"  # plain settings, in every full pre-training file


class CheckpointError(OtoscopeError):
    """A weight file that cannot be used; the message starts with its path."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(f"{path}: {message}")


@dataclass(frozen=True)
class Checkpoint:
    """What a weight file holds.

    Attributes:
        path: of the file.
        tensors: by M2D's encoder key names; keys that are not the encoder's may be among them.
        norm_stats: mean and standard deviation of the log-mel.
        sample_rate: Hz, None where the file does not say it.
        metadata: text entries of a safetensors file ("heads", "input_size").
    """

    path: Path
    tensors: Mapping[str, Tensor]
    norm_stats: tuple[float, float] = NORM_STATS
    sample_rate: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


def read_checkpoint(path: str | Path, allow: Sequence[str] = ()) -> Checkpoint:
    """Read a weight file: a PyTorch file (any of M2D's and EVAR's kinds) or safetensors.

    Nothing in a PyTorch file is run: besides tensors and plain containers only `argparse.Namespace` passes.

    Args:
        path: of the file.
        allow: dotted names of further classes and functions that the file may call while it is read. Each is
            code that the file chooses the arguments of: allow only what you know.

    Raises:
        CheckpointError: not there, truncated, not a weight file, or in need of more than is allowed.
        UsageError: a name in `allow` cannot be imported.
    """
    path = Path(path)
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    document = read_weights(path, allow)
    rate = getattr(document.get("args"), "sr", None)
    tensors = _encoder_tensors(document)
    if not tensors:
        raise CheckpointError(path, "holds no tensors; expected the state dict of an M2D encoder")
    stats = tensors.get("norm_stats")
    return Checkpoint(
        path,
        tensors,
        norm_stats=NORM_STATS if stats is None else _two_numbers(path, stats),
        sample_rate=rate if isinstance(rate, int) else None,
    )


def read_weights(path: str | Path, allow: Sequence[str] = ()) -> dict[str, Any]:
    """Read a weight file as it is: the dict that was saved, or the tensors of a safetensors file.

    Nothing in a PyTorch file is run; see `read_checkpoint` for the arguments and errors.
    """
    path = Path(path)
    _check_readable(path)
    if path.suffix == ".safetensors":
        return dict(_read_safetensors(path).tensors)
    return _read_torch(path, allow)


def fit(build: Callable[[], Module], tensors: Mapping[str, Any], path: str | Path) -> Module:
    """Build a module and give it a file's weights, in float32, whatever they are stored in.

    Args:
        build: makes the module. It runs on torch's meta device, so that nothing is drawn or allocated for
            weights that are replaced; buffers that are not persistent must be made elsewhere.
        tensors: the weights by the module's own names; others may be among them.
        path: of the file, for messages.

    Returns:
        The module, in evaluation mode; it holds nothing of the file.

    Raises:
        CheckpointError: weights are missing, of other shapes or not finite.
    """
    path = Path(path)
    with torch.device("meta"):
        module = build()
    expected = module.state_dict()
    found = {name: tensors[name] for name in expected if isinstance(tensors.get(name), Tensor)}
    problems = [f"{name} is missing" for name in expected if name not in found]
    problems += [
        f"{name} is {tuple(found[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if name in found and found[name].shape != tensor.shape
    ]
    if problems:
        more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise CheckpointError(
            path,
            f"does not fit the {type(module).__name__} that it was taken for: {'; '.join(problems[:5])}{more}"
            "; expected the keys and shapes of that model; try another family of `otoscope models`",
        )
    # Copies: the file is mapped, and must not be needed any more.
    weights = {
        name: tensor.to(torch.float32 if tensor.is_floating_point() else tensor.dtype, copy=True)
        for name, tensor in found.items()
    }
    if unusable := [name for name, tensor in weights.items() if not tensor.isfinite().all()]:
        raise CheckpointError(
            path,
            f"holds NaN or infinite weights in {', '.join(unusable[:5])}; expected finite ones; "
            "try an earlier checkpoint of the same training",
        )
    module.load_state_dict(weights, assign=True)
    return module.eval()


def require(tensors: Mapping[str, Any], ranks: Mapping[str, int], path: str | Path, model: str) -> None:
    """Refuse a file that lacks the tensors which tell a model's sizes: it is another model's.

    Args:
        tensors: of the file.
        ranks: numbers of dimensions, by the names of the tensors.
        path: of the file, for messages.
        model: what the file was taken for, "M2D's ViT".

    Raises:
        CheckpointError: a tensor is missing or of another rank.
    """
    lacking = [name for name, rank in ranks.items() if getattr(tensors.get(name), "ndim", None) != rank]
    if lacking:
        found = ", ".join(list(tensors)[:4])
        raise CheckpointError(
            Path(path),
            f"is of another architecture: no usable {', '.join(lacking)} among its {len(tensors)} "
            f"tensors ({found}, ...); expected the keys of {model}; try another family of `otoscope models`",
        )


def block_sizes(tensors: Mapping[str, Any], path: str | Path, heads: int | None = None) -> dict[str, int]:
    """Read the sizes of Transformer blocks with timm's names: width, depth, heads and hidden.

    Args:
        tensors: of the file; `blocks.0.mlp.fc1.weight` is among them, see `require`.
        path: of the file, for messages.
        heads: attention heads; by default as many as have 64 channels, since weights do not show them.

    Raises:
        CheckpointError: the heads, or channels of 64, do not divide the width.
    """
    hidden, width = tensors["blocks.0.mlp.fc1.weight"].shape
    if heads is None and width % HEAD_SIZE:
        raise CheckpointError(
            Path(path),
            f"has tokens of width {width}; expected a multiple of the usual head size, {HEAD_SIZE}, as "
            "weights do not show their heads",
        )
    if heads is not None and (heads < 1 or width % heads):
        raise CheckpointError(
            Path(path), f"states {heads} attention heads; expected a number that divides its width, {width}"
        )
    blocks = {int(match[1]) for name in tensors if (match := re.match(r"blocks\.(\d+)\.", name))}
    return {"width": width, "depth": 1 + max(blocks), "heads": heads or width // HEAD_SIZE, "hidden": hidden}


def _check_readable(path: Path) -> None:
    if path.is_dir():
        inside = sorted(
            item.name for item in path.iterdir() if item.suffix in (".pth", ".pt", ".safetensors")
        )
        found = ", ".join(inside) or "none found"
        raise CheckpointError(path, f"is a folder; expected a weight file; try one in it ({found})")
    if not path.is_file():
        raise CheckpointError(path, "no such file; expected a weight file such as .../checkpoint-300.pth")
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        raise CheckpointError(path, f"cannot be opened ({error.strerror})") from error
    if start.startswith(b"version https://git-lfs"):
        raise CheckpointError(path, "is a Git LFS pointer, not the weights; fetch them with `git lfs pull`")


def _read_safetensors(path: Path) -> Checkpoint:
    _check_readable(path)
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dict
    except safetensors.SafetensorError as error:
        raise CheckpointError(path, f"is truncated or not a safetensors file ({error})") from error
    stats = tensors.get("norm_stats")
    rate = metadata.get("sample_rate")
    return Checkpoint(
        path,
        tensors,
        norm_stats=NORM_STATS if stats is None else _two_numbers(path, stats),
        sample_rate=int(rate) if rate else None,
        metadata=metadata,
    )


def _read_torch(path: Path, allow: Sequence[str]) -> dict[str, Any]:
    zipped = _is_whole_zip(path)
    names = (_ALWAYS_ALLOWED, *allow)
    if zipped and (refused := sorted(set(_globals_in(path)) - set(names))):
        raise CheckpointError(path, _refusal(refused))
    try:
        # Mapped, a full file's optimiser state, two thirds of it, is never read.
        with safe_globals(_resolve(names)):
            document = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except (pickle.UnpicklingError, EOFError, RuntimeError) as error:
        if blocked := re.search(r"GLOBAL ([\w.]+)", str(error)):
            # In torch's old format a file cut off within a name asks for a wrong one.
            raise CheckpointError(path, f"{_refusal([blocked[1]])}; or it is truncated there") from error
        reason = str(error).strip().splitlines()[-1:] or ["unexpected end"]
        raise CheckpointError(path, f"cannot be read as weights, perhaps truncated ({reason[0]})") from error
    if not isinstance(document, dict):
        raise CheckpointError(
            path, f"holds a {type(document).__name__}; expected a dict of tensors (a state dict)"
        )
    return document


def _is_whole_zip(path: Path) -> bool:
    """Tell torch's zip format (True) from its older one (False); refuse anything else."""
    with path.open("rb") as file:
        start = file.read(len(_LEGACY_MAGIC))
    if start.startswith(b"PK\x03\x04"):
        if not zipfile.is_zipfile(path):
            raise CheckpointError(path, "is truncated: its end is missing; copy or fetch it again")
        return True
    if start != _LEGACY_MAGIC:
        raise CheckpointError(path, "is not a PyTorch weight file; expected what torch.save writes")
    return False


def _globals_in(path: Path) -> list[str]:
    try:
        return get_unsafe_globals_in_checkpoint(path)  # reads the pickle's opcodes, runs nothing
    except (ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(path, f"is not a file that torch.save wrote ({reason})") from error


def _refusal(names: Sequence[str]) -> str:
    listed = ", ".join(names)
    return (
        f"needs {listed} to be read, which can mean running code; expected only tensors, plain containers "
        f"and {_ALWAYS_ALLOWED}; if you trust the file and know what these are, try allow={list(names)!r}"
    )


def _resolve(names: Sequence[str]) -> list[Any]:
    """Import what is allowed, each with the name under which the file asks for it."""
    resolved: list[Any] = []
    for name in names:
        module, _, attribute = name.rpartition(".")
        try:
            resolved.append((getattr(importlib.import_module(module), attribute), name))
        except (ImportError, AttributeError, ValueError) as error:
            raise UsageError(
                f"allow names {name!r}, which cannot be imported ({error}); expected a dotted name such as "
                "'numpy.dtype'"
            ) from error
    if "numpy.dtype" in names:
        # numpy.dtype makes instances of these, and restoring one is checked against its own class.
        dtypes = [getattr(np.dtypes, name) for name in np.dtypes.__all__]
        resolved += [(dtype, f"numpy.dtypes.{dtype.__name__}") for dtype in dtypes]
    return resolved


def _encoder_tensors(document: dict[str, Any]) -> dict[str, Tensor]:
    """Unwrap the encoder in the order of M2D's portable loader."""
    state = _inner(document)
    if any(key.startswith(_RUNTIME) for key in state):
        backbone = {key: value for key, value in state.items() if key.startswith(_RUNTIME)}
        state = _inner({key.removeprefix(_RUNTIME): value for key, value in backbone.items()})
    return {key.removeprefix(_FINE_TUNED): value for key, value in state.items() if isinstance(value, Tensor)}


def _inner(document: dict[str, Any]) -> dict[str, Any]:
    inner = document.get("model", document)
    state = inner if isinstance(inner, dict) else document
    return {key: value for key, value in state.items() if isinstance(key, str)}


def _two_numbers(path: Path, stats: Tensor) -> tuple[float, float]:
    values = stats.flatten().tolist()
    if len(values) != 2 or not np.isfinite(values).all() or values[1] <= 0:
        raise CheckpointError(path, f"norm_stats is {values}; expected a mean and a positive deviation")
    return float(values[0]), float(values[1])
