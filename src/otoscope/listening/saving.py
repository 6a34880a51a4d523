"""A card on disk: its figures, its picture, its page, and its sounds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from otoscope import audio
from otoscope.files import replacing, slug, write_json
from otoscope.listening.card import KINDS

if TYPE_CHECKING:
    from otoscope.listening.card import Card, Example, Profile

__all__ = ["document", "save"]


def document(card: Card) -> dict[str, Any]:
    """A card as JSON holds it."""
    return {
        "store": card.store,
        "model": card.model,
        "task": card.task,
        "neuron": [card.layer, card.unit],
        "layer_name": card.layer_name,
        "firing": card.firing,
        "clips_firing": card.clips_firing,
        "clips": card.clips,
        "sentences": list(card.sentences),
        "found": card.found.to_dict("records"),
        "profiles": [_profile(each) for each in card.profiles],
        "examples": [_example(each) for each in card.examples],
        "follows": card.follows.to_dict("records"),
        "follows_note": card.follows_note,
        "nearest": card.nearest.to_dict("records"),
        "notes": list(card.notes),
    }


def save(card: Card, folder: Path) -> list[Path]:
    """Write `card.json`, `card.png`, `card.html`, and for every example that could be heard the clip and the
    excerpt around the peak as WAV.
    """
    from otoscope.listening.html import card_document

    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        for stale in folder.glob(f"[0-9][0-9]-{kind}-*.wav"):
            stale.unlink()  # of an earlier call, with other examples
    written = [folder / name for name in ("card.json", "card.png", "card.html")]
    write_json(written[0], document(card))
    with replacing(written[1]) as temporary:
        card.plot().savefig(temporary, format="png", dpi=150)
    with replacing(written[2]) as temporary:
        temporary.write_text(card_document(card), encoding="utf-8")
    for place, example in enumerate(card.examples, start=1):
        written += _sounds(example, place, folder)
    return written


def _sounds(example: Example, place: int, folder: Path) -> list[Path]:
    heard = example.heard
    if heard is None or not len(heard.samples):
        return []
    stem = f"{place:02d}-{example.kind}-{slug(Path(example.clip).stem)[:60]}"
    start, stop = (round(at * heard.sample_rate) for at in heard.excerpt)
    parts = {f"{stem}.wav": heard.samples, f"{stem}-excerpt.wav": heard.samples[start:stop]}
    for name, samples in parts.items():
        audio.write(str(folder / name), samples, heard.sample_rate)
    return [folder / name for name in parts]


def _profile(profile: Profile) -> dict[str, Any]:
    return {
        "label": profile.label,
        "entropy": profile.entropy,
        "log_classes": profile.log_classes,
        "classes": profile.table.to_dict("records"),
        "note": profile.note,
    }


def _example(example: Example) -> dict[str, Any]:
    heard = example.heard
    return {
        "kind": example.kind,
        "clip": example.clip,
        "labels": example.labels,
        "share": example.share,
        "fired": example.fired,
        "tokens": example.tokens,
        "peak": example.peak,
        "problem": example.problem,
        "stretches": None if heard is None else [list(each) for each in heard.stretches],
        "excerpt": None if heard is None else list(heard.excerpt),
    }
