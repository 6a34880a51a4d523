"""In which order the clips of a shard are read where several models are to hear them.

A clip is read once, and held until the last model that wants it has heard it. Each model has batches of its
own, since which clips are alike depends on the model; so the order decides how many clips are held.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Turn", "turns"]

Batches = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Turn:
    """A step of the way through a shard.

    Attributes:
        read: clips to read.
        hear: batches that are all there then, each as (model, batch).
    """

    read: list[int]
    hear: list[tuple[int, int]]


def turns(batches: Sequence[Batches]) -> list[Turn]:
    """Order the reading of some clips so that few of them are held at a time.

    A batch that has been begun, because another model wanted some of its clips, is completed before a new one
    is begun: the one first that lacks the fewest clips. When none is begun, the first model's next batch is.
    So one model's batches stay in their order, and so do those of models that have the same ones.

    Args:
        batches: each model's batches of clips; no clip twice in one model's.

    >>> for turn in turns([[[0, 2], [1, 3]], [[0, 1], [2, 3]]]):
    ...     print(turn.read, turn.hear)
    [0, 2] [(0, 0)]
    [1] [(1, 0)]
    [3] [(0, 1), (1, 1)]
    """
    lacking = {
        (model, number): set(batch)
        for model, of_model in enumerate(batches)
        for number, batch in enumerate(of_model)
    }
    wanted_by = defaultdict(list)
    for key, clips in lacking.items():
        for clip in clips:
            wanted_by[clip].append(key)
    begun: set[tuple[int, int]] = set()
    found = []
    while lacking:
        open_ones = [key for key in lacking if key in begun]
        key = min(open_ones, key=lambda key: len(lacking[key])) if open_ones else next(iter(lacking))
        read = [clip for clip in batches[key[0]][key[1]] if clip in lacking[key]]
        for clip in read:
            begun.update(wanted_by[clip])
            for other in wanted_by[clip]:
                lacking[other].discard(clip)
        hear = [key for key, clips in lacking.items() if not clips]
        for key in hear:
            del lacking[key]
        found.append(Turn(read, hear))
    return found
