"""The selectors by name: the built-in ones, and those that other packages bring."""

import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import entry_points

from otoscope.errors import UsageError
from otoscope.neurons.selectors import contrasts, firing, separation
from otoscope.neurons.selectors.base import Selector

__all__ = ["available", "named", "selectors"]

GROUP = "otoscope.selectors"
"""The entry points of selectors that other packages bring."""

_BUILT_IN = (
    firing.lap,
    firing.entropy,
    firing.aape,
    firing.drop5,
    contrasts.mad,
    contrasts.cas,
    contrasts.csi,
    separation.eta_squared,
    separation.auroc,
    separation.d_prime,
    firing.mutual_information,
    contrasts.probeless,
)


def available() -> list[Selector]:
    """Every selector there is, those of other installed packages last.

    >>> [each.name for each in available()][:4]
    ['lap', 'entropy', 'aape', 'aape-drop5']
    """
    return list(selectors().values())


@cache
def selectors() -> Mapping[str, Selector]:
    """The selectors by name.

    An entry point of the group `otoscope.selectors` is a `Selector`, or a plain function from a block to
    scores, which then goes by the entry point's name. A package whose selector cannot be imported, or has a
    name that is taken, is warned of and left out.
    """
    found = {each.name: each for each in _BUILT_IN}
    for entry in entry_points(group=GROUP):
        try:
            stranger = _made(entry.load(), entry.name, entry.value)
            problem = f"has the name {stranger.name!r}, which is taken" if stranger.name in found else ""
        except Exception as error:  # whatever a stranger's module raises
            problem = f"cannot be loaded: {error}"
        if problem:
            warnings.warn(
                f"the selector {entry.name!r} ({entry.value}) of an installed package {problem}; it is left "
                "out; try updating or removing the package",
                stacklevel=2,
            )
        else:
            found[stranger.name] = stranger
    return found


def named(names: Sequence[str] | None = None) -> list[Selector]:
    """The selectors of these names, each once; all by default.

    Raises:
        UsageError: none of that name; the message lists those there are.
    """
    there = selectors()
    asked = list(there) if names is None else list(dict.fromkeys(names))
    if not asked:
        raise UsageError(f"no selector is named; expected one or more of {', '.join(there)}")
    for name in asked:
        if name not in there:
            raise UsageError(f"selector {name!r} not found; expected one of {', '.join(there)}")
    return [there[name] for name in asked]


def _made(loaded: object, name: str, where: str) -> Selector:
    """The selector that an entry point means."""
    if isinstance(loaded, Selector):
        return loaded
    if isinstance(loaded, type) or not callable(loaded):
        raise TypeError(f"expected a Selector or a function, found a {type(loaded).__name__}")
    about = (loaded.__doc__ or "").strip().partition("\n")[0]
    return Selector(name, about or f"from {where}", where, loaded)
