"""The pages of neurons, with the sounds and pictures that their cards share."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from otoscope.activations.again import recorded_model
from otoscope.errors import OtoscopeError, UsageError
from otoscope.files import replacing
from otoscope.neurons.addresses import Address
from otoscope.reporting.site import Page, Site

if TYPE_CHECKING:
    from otoscope.activations.store import Store
    from otoscope.listening import Card
    from otoscope.listening.hearing import Hearing
    from otoscope.listening.html import Sound
    from otoscope.models.base import AudioModel

__all__ = ["NeuronPages"]

_EXAMPLES = 4  # of the highest firing share; half as many of each other kind


class NeuronPages:
    """Makes the pages of neurons, some together or one on demand; one call at a time.

    Args:
        site: the site that they belong to.
        write: writes a page.
        models: by name, those that their name does not find.
        sound: hear examples again.
    """

    def __init__(
        self,
        site: Site,
        write: Callable[[Page], None],
        models: Mapping[str, AudioModel],
        *,
        sound: bool = True,
    ) -> None:
        self._site = site
        self._write = write
        self._models = dict(models)
        self._sound = sound
        self._lock = Lock()  # hooks of two passes over one model would see each other's clips

    def write(self, number: int, neurons: Sequence[Address]) -> None:
        """Write the pages of some neurons of one store.

        Args:
            number: of the store in the report, from 1.
            neurons: their addresses.

        Raises:
            UsageError: no such store or neuron.
        """
        from otoscope.listening import cards

        if not 1 <= number <= len(self._site.recorded):
            raise UsageError(f"there is no store number {number}; expected 1 to {len(self._site.recorded)}")
        store = self._site.recorded[number - 1].store
        with self._lock:
            sounds = _Sounds(self._site.folder)
            made = cards(
                store,
                neurons,
                model=self._model(store) if self._sound else None,
                examples=_EXAMPLES,
                sound=self._sound,
                each=sounds.add,
            )
        for card in made:
            self._write(self._page(number, store, card, sounds.found))

    def _model(self, store: Store) -> AudioModel | None:
        """The store's model, loaded once; None where it cannot be had, which the cards then say."""
        name = str(store.info["model"]["name"])
        if name not in self._models:
            try:
                self._models[name] = recorded_model(store)
            except (OtoscopeError, ImportError):
                return None
        return self._models[name]

    def _page(self, number: int, store: Store, card: Card, sounds: Mapping[int, Sound]) -> Page:
        from otoscope.listening.html import card_html

        root = "../../"
        heard = {
            row: replace(sound, audio_url=root + sound.audio_url, picture_url=root + sound.picture_url)
            for row, sound in sounds.items()
        }

        def href(layer: int, unit: int) -> str | None:
            place = self._site.href(number, layer, unit)
            return None if place is None else root + place

        return Page(
            name=f"neurons/{number}/{card.address}",
            title=f"Neuron {card.address}",
            template="report/neuron.html.jinja",
            content={
                "card": card_html(_without_paths(card, store), heard, href),
                "recorded": self._site.recorded[number - 1],
            },
            scripts=("assets/player.js",),
        )


def _without_paths(card: Card, store: Store) -> Card:
    """A card that names clips without the way to them: reports are passed on, and paths name people."""
    paths = store.clips["path"].astype(str)
    shown = tuple(
        replace(each, problem=each.problem.replace(paths.iloc[each.row], each.clip)) for each in card.examples
    )
    notes = tuple(each.replace(str(store.path), card.store) for each in card.notes)
    return replace(card, examples=shown, notes=notes)


class _Sounds:
    """Writes the sound and the picture of clips, one copy each, named after what they hold."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.found: dict[int, Sound] = {}

    def add(self, hearing: Hearing) -> None:
        """Keep a clip that was heard."""
        from otoscope.listening.html import Sound
        from otoscope.listening.sounds import encoded

        if hearing.mel is None:
            return
        content = hearing.samples.tobytes() + str(hearing.sample_rate).encode()
        name = hashlib.sha256(content).hexdigest()[:16]
        audio = next((self._folder / "audio").glob(f"{name}.*"), None)
        if audio is None:
            data, suffix = encoded(hearing.samples, hearing.sample_rate)
            audio = self._folder / "audio" / f"{name}{suffix}"
            _keep(audio, data)
            _keep(self._folder / "mel" / f"{name}.webp", hearing.mel.webp())
        self.found[hearing.row] = Sound(
            f"audio/{audio.name}", f"mel/{name}.webp", len(hearing.samples) / hearing.sample_rate
        )


def _keep(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_bytes(content)
