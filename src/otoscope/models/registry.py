"""The names that models go by, `FAMILY:REST?OPTIONS`, and the families that answer to them."""

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from urllib.parse import parse_qsl

import torch

from otoscope.errors import UsageError
from otoscope.models.base import AudioModel
from otoscope.models.encoder import Encoder
from otoscope.models.family import Family, ModelRow, Request
from otoscope.models.shuffling import shuffle_weights

__all__ = ["available", "families", "load_model"]

GROUP = "otoscope.models"
"""The entry points of families that other packages bring."""

# Modules of this room with a FAMILY, in the order of the list that people see.
_BUILT_IN = ("loading", "mini", "beats", "audiomae", "eat", "atst", "dasheng", "hf.loading")
_GREATEST_SEED = 2**64 - 1  # that torch takes
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

_RANDOM = ModelRow(
    "random:SPEC[@SEED]",
    "the untrained twin of any model; of an M2D, its folder's name suffices",
    example="random:m2d_vit_base-80x608p16x16-221006-mr7@1",
    needs="what SPEC needs",
    layers="as SPEC",
    hook="as SPEC",
    tokens="as SPEC",
    shortest="as SPEC",
    padding="as SPEC",
    tested="as SPEC",
)
_SHUFFLED = replace(
    _RANDOM,
    name="shuffled:SPEC[@SEED]",
    about="the weight-shuffled twin of any model: its trained weights in another order within each tensor",
    example="shuffled:mini:ssl@1",
)


def available() -> list[ModelRow]:
    """The kinds of models that `load_model` can load, those of other installed packages last.

    >>> [row.name for row in available()][:4]
    ['m2d:PATH', 'mini:ssl', 'mini:supervised', 'mini:random[@SEED]']
    """
    return [row for family in families().values() for row in family.rows] + [_RANDOM, _SHUFFLED]


@cache
def families() -> Mapping[str, Family]:
    """The families by name: the built-in ones, then those that installed packages register.

    A package whose family cannot be imported, or has a name that is taken, is warned of and left out.
    """
    found: dict[str, Family] = {}
    for module in _BUILT_IN:
        family: Family = import_module(f"otoscope.models.{module}").FAMILY
        found[family.name] = family
    for entry in entry_points(group=GROUP):
        try:
            family = entry.load()
            problem = _problem(family, (*found, "random", "shuffled"))
        except Exception as error:  # whatever a stranger's module raises
            problem = f"cannot be loaded: {error}"
        if problem:
            warnings.warn(
                f"the model family {entry.name!r} ({entry.value}) of an installed package {problem}; it is "
                "left out; try updating or removing the package",
                stacklevel=2,
            )
        else:
            found[family.name] = family
    return found


def _problem(family: object, taken: Sequence[str]) -> str:
    """Why what a package registers cannot be a family; "" if it can."""
    if not isinstance(family, Family):
        return f"is no Family but a {type(family).__name__}"
    return f"has the name {family.name!r}, which is taken" if family.name in taken else ""


def load_model(
    spec: str,
    *,
    device: torch.device | str = "cpu",
    dtype: str | None = None,
    hook: str | None = None,
    input_size: tuple[int, int] | None = None,
    patch_size: tuple[int, int] | None = None,
    sample_rate: int | None = None,
    allow: Sequence[str] = (),
) -> AudioModel:
    """Load a model by its name.

    Args:
        spec: "FAMILY:REST", where REST is mostly the path of a weight file or folder; `otoscope models` lists
            the families. "random:SPEC" is the same with fresh weights, "random:SPEC@SEED" with others;
            "shuffled:SPEC@SEED" has the trained ones in another order within each tensor. The options below
            may stand in it, as in "m2d:PATH?input_size=80x1001&hook=residual"; the model's
            `name` has them so.
        device: "cpu", "cuda" or "mps".
        dtype: "float32", the default, or "bfloat16".
        hook: what a neuron is: "mlp", the default, is a hidden unit of an MLP; "residual" a channel of the
            residual stream after a block; "attention" a channel of what attention adds to it; anything else
            is a pattern of module names such as "blocks.*.norm2".
        input_size: mel bins and frames, for an M2D file whose folder does not say them.
        patch_size: mel bins and frames of a patch, likewise; must be the weights' own.
        sample_rate: Hz, likewise.
        allow: dotted names that a weight file may call while it is read; by default it may not run any code.

    Raises:
        UsageError: no such kind of model, or options that it does not take.
        OtoscopeError: the model cannot be loaded; the message says why.

    >>> model = load_model("mini:random@7")
    >>> len(model.layers), model.layers[0].units, model.embedding_size
    (12, 768, 960)
    """
    where = _device(device)
    trained, shuffle = _shuffled(spec)
    family, request = _read(trained)
    given = {
        "dtype": dtype,
        "hook": hook,
        "input_size": input_size and "x".join(map(str, input_size)),
        "patch_size": patch_size and "x".join(map(str, patch_size)),
        "sample_rate": sample_rate and str(sample_rate),
    }
    options = {**request.options, **{key: value for key, value in given.items() if value}}
    takes = ("hook", "dtype", *family.options)
    if unknown := [key for key in options if key not in takes]:
        raise UsageError(f"{spec} takes no {' or '.join(unknown)}; its options are {', '.join(takes)}")
    model = family.load(
        replace(
            request,
            name=_name(spec, options),
            hook=options.pop("hook", "mlp"),
            options={key: value for key, value in options.items() if key != "dtype"},
            allow=allow,
        )
    )
    if shuffle is not None:
        model = shuffle_weights(model, shuffle)
    return _cast(model, options.get("dtype", "float32")).to(where)


def _shuffled(spec: str) -> tuple[str, int | None]:
    """The spec of the trained model, and the seed of the shuffle; None where none is asked for."""
    first, _, rest = spec.partition(":")
    if first != "shuffled" or not rest:
        return spec, None
    trained, seed = _seed(spec, rest)
    if (inner := trained.partition(":")[0]) in ("random", "shuffled"):
        raise UsageError(
            f"{spec} would shuffle the weights of a model that is {inner} itself; expected a trained model, "
            "as in shuffled:mini:ssl@1"
        )
    return trained, seed


def _read(spec: str) -> tuple[Family, Request]:
    """Take a spec apart; its name is left open, since options may be added to it."""
    known = families()
    first, _, rest = spec.partition(":")
    if first == "random" and rest:
        rest, seed = _seed(spec, rest)
        if rest.startswith("shuffled:"):
            raise UsageError(
                f"{spec} has fresh weights, of which nothing is left to shuffle; expected random:SPEC or "
                f"shuffled:SPEC; try {rest}@{seed}"
            )
        # An M2D's name says its architecture; it needs no family before it, and no file.
        family, request = _read(rest if rest.partition(":")[0] in known else f"m2d:{rest}")
        return family, replace(request, seed=seed)
    if first not in known or not rest:
        # Some families have several rows, told apart in brackets.
        expected = ", ".join(dict.fromkeys(row.name.partition(" (")[0] for row in available()))
        raise UsageError(f"there is no model {spec!r}; expected {expected}; try `otoscope models`")
    path, _, query = rest.partition("?")
    if not path:
        raise UsageError(f"{spec!r} names no more than a family; expected {first}:PATH")
    try:
        # A plus is a plus, not a space: names are written as they are read.
        plain = query.replace("+", "%2B")
        options = dict(parse_qsl(plain, keep_blank_values=True, strict_parsing=bool(query)))
    except ValueError as error:
        raise UsageError(
            f"the end of the model's name, ?{query}, cannot be read; expected OPTION=VALUE, joined by &"
        ) from error
    return known[first], Request(path, path, options=options)


def _seed(spec: str, rest: str) -> tuple[str, int]:
    name, at, seed = rest.rpartition("@")
    if not at or "/" in seed:
        return rest, 0
    if not seed.isdecimal() or int(seed) > _GREATEST_SEED:
        raise UsageError(
            f"the seed of {spec!r} is {seed!r}; expected a whole number from 0 to {_GREATEST_SEED}, behind "
            f"all options, as in {name}@1; where the @ is part of a path, try {spec}@0"
        )
    return name, int(seed)


def _name(spec: str, options: Mapping[str, str]) -> str:
    """The spec that makes the model again: as it was given, with all the options in it."""
    query = "&".join(f"{key}={value}" for key, value in options.items())
    twin = re.fullmatch(r"((?:random|shuffled):.*?)(@[0-9]+)?", spec)
    core, seed = (twin[1], twin[2] or "") if twin else (spec, "")
    return core.partition("?")[0] + (f"?{query}" if query else "") + seed


def _cast(model: AudioModel, dtype: str) -> AudioModel:
    if dtype not in _DTYPES:
        raise UsageError(f"dtype is {dtype!r}; expected {' or '.join(_DTYPES)}")
    if model.dtype == _DTYPES[dtype]:
        return model
    if not isinstance(model, Encoder):
        raise UsageError(f"{model.name} computes in {model.dtype} only; try it without dtype")
    return model.cast(_DTYPES[dtype])


def _device(device: torch.device | str) -> torch.device:
    try:
        where = torch.device(device)
    except RuntimeError as error:
        raise UsageError(f"there is no device {device!r}; expected cpu, cuda or mps") from error
    there = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if where.type not in there:
        raise UsageError(f"there is no device {device!r}; expected cpu, cuda or mps")
    if (where.index or 0) >= there[where.type]:
        raise UsageError(f"device {device} is not available on this machine; try cpu")
    return where
