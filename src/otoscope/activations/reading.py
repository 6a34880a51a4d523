"""Read the clips of a shard once for all models, ahead of their being heard."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from otoscope import audio
from otoscope.activations.turns import Batches, Turn, turns
from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError
from otoscope.tasks.base import Task
from otoscope.tasks.pinning import require_unchanged
from otoscope.urls import is_url

__all__ = ["Heard", "reading", "told"]

_READERS = 4  # clips decoded side by side while the models hear those before

_Found = dict[tuple[int, int], "Heard"]  # by clip and sample rate


@dataclass(frozen=True)
class Heard:
    """One clip as it was read: its sound and the hash of its file, or what is wrong with it.

    Attributes:
        clip: its number.
        path: of its file.
        waveform: its sound at the sample rate that was asked for; None if there is a problem. All models of
            this rate are given the same one.
        sha256: of its file; "" if that cannot be read.
        problem: what is wrong with it, or "".
    """

    clip: int
    path: str
    waveform: Waveform | None
    sha256: str = ""
    problem: str = ""


def reading(
    task: Task, sample_rates: Sequence[int], batches: Sequence[Batches]
) -> Iterator[tuple[int, int, list[Heard]]]:
    """Yield every batch of every model, as soon as its clips have been read.

    A clip is decoded once and resampled once for each rate that is wanted, while the batches before it are
    being heard. It is held until the last batch that wants it at this rate has been heard.

    Args:
        task: the clips.
        sample_rates: what each model takes, in Hz.
        batches: each model's batches of clip numbers.

    Yields:
        The model, the number of its batch, and the clips in it.
    """
    wanted = Counter(
        (clip, rate)
        for rate, of_model in zip(sample_rates, batches, strict=True)
        for batch in of_model
        for clip in batch
    )
    rates = defaultdict(list)
    for clip, rate in wanted:
        rates[clip].append(rate)
    hashes: dict[str, str] = {}  # a long recording may be the file of many clips
    order = turns(batches)
    held: _Found = {}
    with ThreadPoolExecutor(_READERS) as pool:

        def begin(turn: Turn) -> list[Future[_Found]]:
            return [pool.submit(_read, task, clip, rates[clip], hashes) for clip in turn.read]

        ahead = deque(begin(turn) for turn in order[:1])
        for number, turn in enumerate(order):
            ahead.extend(begin(following) for following in order[number + 1 : number + 2])
            held.update(_gathered(ahead.popleft()))
            for model, batch in turn.hear:
                keys = [(clip, sample_rates[model]) for clip in batches[model][batch]]
                yield model, batch, [held[key] for key in keys]
                wanted.subtract(keys)
                for key in keys:
                    if not wanted[key]:
                        del held[key]


def told(path: str, error: OtoscopeError) -> str:
    """What is wrong with a clip, with its path."""
    return str(error) if isinstance(error, audio.AudioError) else f"{path}: {error}"


def _gathered(futures: list[Future[_Found]]) -> _Found:
    # In a function of its own, so that nothing holds on to the clips but what it returns.
    return {key: heard for future in futures for key, heard in future.result().items()}


def _gone(path: str) -> bool:
    """Whether a file is not there, nor is its folder, which was when the recording was planned."""
    return not is_url(path) and not Path(path).parent.exists()


def _read(task: Task, clip: int, rates: Sequence[int], hashes: dict[str, str]) -> _Found:
    path = str(task.clips["path"].iloc[clip])
    try:
        if path not in hashes:
            hashes[path] = audio.content_hash(path)
        require_unchanged(task.clips, clip, hashes[path])
        sound = task.decode(clip)
    except audio.UnreachableError:
        raise
    except OtoscopeError as error:
        if _gone(path):
            raise audio.UnreachableError(
                path, "and its whole folder do not exist any more", "try again when its disk is there"
            ) from None
        bad = Heard(clip, path, None, hashes.get(path, ""), told(path, error))
        return {(clip, rate): bad for rate in rates}
    found = {}
    for rate in rates:
        try:
            found[clip, rate] = Heard(clip, path, sound.at(rate), hashes[path])
        except OtoscopeError as error:
            found[clip, rate] = Heard(clip, path, None, hashes[path], told(path, error))
    return found
