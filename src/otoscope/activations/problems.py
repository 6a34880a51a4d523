"""The clips that cannot be recorded, told all at once."""

from collections.abc import Mapping
from itertools import islice

from otoscope.errors import OtoscopeError

__all__ = ["BadClipsError"]

_NAMED = 20  # clips told one by one in the message; the attributes hold all of them


class BadClipsError(OtoscopeError):
    """Some clips cannot be recorded.

    Attributes:
        stores: for each store that was to be recorded, its bad clips' numbers with the reason, which begins
            with the clip's path.
        problems: the reason by clip number. One that only some of several stores have names these.
        advice: what to try.

    >>> stores = {"a.zarr": {1: "1.wav: is empty"}, "b.zarr": {0: "0.wav: is short", 1: "1.wav: is empty"}}
    >>> print(BadClipsError(stores, "mend them"))
    2 clips cannot be recorded; mend them:
      0.wav: is short (for b.zarr)
      1.wav: is empty
    """

    def __init__(self, stores: Mapping[str, Mapping[int, str]], advice: str) -> None:
        super().__init__(stores, advice)
        self.stores = {path: dict(found) for path, found in stores.items()}
        self.problems = {
            clip: self._reasons(clip)
            for clip in sorted({clip for found in stores.values() for clip in found})
        }
        self.advice = advice

    def __str__(self) -> str:
        lines = [f"  {reason}" for reason in islice(self.problems.values(), _NAMED)]
        if len(self.problems) > _NAMED:
            more = len(self.problems) - _NAMED
            lines.append(f"  and {more:,} more; `otoscope tasks check` tells all of them by kind")
        count = f"{len(self.problems):,} clip{'s' * (len(self.problems) != 1)}"
        return "\n".join([f"{count} cannot be recorded; {self.advice}:", *lines])

    def _reasons(self, clip: int) -> str:
        """What is wrong with a clip, and for which stores if not for all."""
        stores_of: dict[str, list[str]] = {}
        for path, found in self.stores.items():
            if clip in found:
                stores_of.setdefault(found[clip], []).append(path)
        return "; ".join(
            reason if len(paths) == len(self.stores) else f"{reason} (for {', '.join(paths)})"
            for reason, paths in stores_of.items()
        )
