"""Which ablation the options of `ablate` ask for: what is switched, and in which folder the result lies."""

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otoscope.errors import UsageError

if TYPE_CHECKING:
    import typer

    from otoscope.interventions import Maker

__all__ = ["asked_for", "check", "folder", "level_of", "line", "maker_of"]

_CLASSES = ("--class", "--pairs", "--shared", "--all")
_LISTS = ("--neuron", "--neurons")
_WHAT = (*_CLASSES, "--selector", *_LISTS)

_EXCLUDED = (
    *((one, other) for place, one in enumerate(_WHAT) for other in _WHAT[place + 1 :]),
    *((chosen, listed) for chosen in ("--preset", "--from") for listed in _LISTS),
    ("--preset", "--selector"),
    ("--rank-by", "--selector"),
    ("--by-layer", "--count"),
)
"""Options of which only one can be asked for."""

_NEEDED = {
    "--from": ("--from-label", "a labeling of that store"),
    "--from-label": ("--from", "the store that has this labeling"),
    "--selector": ("--count", "how many neurons for each class"),
    "--rank-by": ("--count", "how many neurons"),
    "--value": ("--how", "clamp, which holds neurons at it"),
}
"""Options that say nothing without another."""

_ELSEWHERE = (
    "--label", "--controls", "--match", "--probe-seeds", "--batch-size", "--device", "--out", "--json",
)  # fmt: skip
"""Options that do not tell designs apart."""

Asked = Mapping[str, Any]
"""What was asked for, by option; what was left at its default is not there."""


def asked_for(context: "typer.Context") -> Asked:
    """The options that the user gave."""
    return {
        option.opts[0]: context.params[option.name]
        for option in context.command.params
        if option.name
        and option.param_type_name == "option"
        and getattr(context.get_parameter_source(option.name), "name", "") == "COMMANDLINE"
    }


def check(asked: Asked) -> None:
    """Refuse options that exclude each other, and those that lack another.

    Raises:
        UsageError: with the names of both.
    """
    for one, other in _EXCLUDED:
        if one in asked and other in asked:
            raise UsageError(f"both {one} and {other} are given; expected one of them")
    for option, (other, what) in _NEEDED.items():
        if option in asked and other not in asked:
            raise UsageError(f"{option} is given without {other}; expected {other} too: {what}")
    if "--count" in asked and not any(option in asked for option in _WHAT):
        raise UsageError(
            f"--count is given without what is counted; expected one of {', '.join(_WHAT)} too, for example "
            "--all"
        )
    if "--selector" in asked and len(asked["--count"]) > 1:
        raise UsageError(
            f"--count is given {len(asked['--count'])} times; expected one number with --selector, so that "
            "selectors are compared at equal number; for a series take --class or --all with --rank-by"
        )
    _check_values(asked)


def _check_values(asked: Asked) -> None:
    how, gains = asked.get("--how", "gain"), asked.get("--gain", ())
    if gains and how != "gain":
        raise UsageError(f"both --gain and --how {how} are given; expected one of them")
    if len(gains) > 1 and "--by-layer" in asked:
        raise UsageError("both several --gain and --by-layer are given; expected one series")
    if len(gains) > 1 and "--count" in asked and "--selector" not in asked:
        raise UsageError("both several --gain and --count are given; expected one series")
    if (how == "clamp") != ("--value" in asked):
        raise UsageError(
            "--how clamp and --value are given one without the other; expected both: --value says what the "
            "neurons are held at"
        )
    numbers = {"--gain": gains, "--value": [asked["--value"]] if "--value" in asked else []}
    for option, values in numbers.items():
        if wrong := [each for each in values if not math.isfinite(each)]:
            raise UsageError(f"{option} is {wrong[0]}; expected a finite number, for example 0.5")


def level_of(asked: Asked) -> float:
    """The gain, or the value that neurons are held at; 0 in a series of gains, which has its own."""
    gains = asked.get("--gain", ())
    return float(asked.get("--value", gains[0] if len(gains) == 1 else 0.0))


def maker_of(asked: Asked) -> "Maker":
    """What chooses the targets, series included."""
    from otoscope import open_store
    from otoscope.interventions import counts_of, from_store, gains_of, layers_of

    maker, gains = _chosen(asked), asked.get("--gain", ())
    if "--from" in asked:
        maker = from_store(open_store(asked["--from"]), asked["--from-label"], maker)
    if "--by-layer" in asked:
        maker = layers_of(maker)
    if "--count" in asked and "--selector" not in asked:
        maker = counts_of(maker, asked["--count"], by=asked.get("--rank-by", "entropy"))
    return gains_of(maker, gains) if len(gains) > 1 else maker


def _chosen(asked: Asked) -> "Maker":
    """What chooses them before they are put in a series."""
    from otoscope import interventions as makers
    from otoscope.neurons import parse_address

    level = level_of(asked)
    if "--neuron" in asked:
        return makers.given([parse_address(each) for each in asked["--neuron"]], level=level)
    if "--neurons" in asked:
        wanted, path = asked["--neurons"], Path(asked["--neurons"])
        if path.suffix or path.is_file():
            return makers.from_file(path, level=level if {"--gain", "--value"} & asked.keys() else None)
        return makers.named(wanted, level=level)
    if "--selector" in asked:
        return makers.selectors_of(asked["--selector"], neurons=asked["--count"][0], level=level)
    preset = asked.get("--preset", "aape")
    unions = {"--pairs": makers.pairs, "--shared": makers.shared_neurons, "--all": makers.all_neurons}
    for option, make in unions.items():
        if option in asked:
            return make(preset=preset, level=level)
    return makers.class_neurons(asked.get("--class"), preset=preset, level=level)


def folder(label: str, asked: Asked) -> str:
    """Name of the result's folder: another for every design, the same for more controls."""
    from otoscope.files import slug

    parts = [label]
    for option, value in asked.items():
        if option in _ELSEWHERE:
            continue
        named = [] if option in ("--class", *_LISTS) else [option.removeprefix("--")]
        parts += [*named, *(_written(each) for each in _values(option, value) if each is not True)]
    name = slug("-".join(parts))
    if len(name) > 80:
        name = f"{name[:60]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return f"ablate-{name}"


def line(asked: Asked) -> list[str]:
    """What was asked for as a command line has it, without where things lie and what was printed."""
    words = []
    for option, value in asked.items():
        if option not in ("--label", "--device", "--out", "--json"):
            for each in _values(option, value):
                words += [option] if each is True else [option, _written(each)]
    return words


def _values(option: str, value: Any) -> list[Any]:
    """What an option was given, once or again; of a path its last part, as reports are passed on."""
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    return [Path(each).name for each in values] if option in ("--from", "--neurons") else values


def _written(value: Any) -> str:
    """A value as text: "0" for 0.0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
