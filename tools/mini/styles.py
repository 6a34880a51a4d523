"""Ten styles of music as rules: metre, drums, bass, chords, melody, and who plays.

Patterns are strings of sixteen steps a bar, `x` for a blow and `o` for a soft or half-sure one. Chords are
semitones above the key with their intervals. Instruments are General MIDI programs of FluidR3 that training
never plays; most occur in several styles, so that no single sound tells a style.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
DORIAN, PHRYGIAN = (0, 2, 3, 5, 7, 9, 10), (0, 1, 3, 5, 7, 8, 10)
BLUES, PENTATONIC, MINOR_PENTATONIC = (0, 3, 5, 6, 7, 10), (0, 2, 4, 7, 9), (0, 3, 5, 7, 10)
TRIAD, SEVENTH, MINOR_TRIAD, MINOR_SEVENTH = (0, 4, 7), (0, 4, 7, 10), (0, 3, 7), (0, 3, 7, 10)
MAJOR_SEVENTH, POWER = (0, 4, 7, 11), (0, 7, 12)

PIANO, RHODES, HARPSICHORD, CLAVINET = 0, 4, 6, 7
VIBRAPHONE, MARIMBA = 11, 12
DRAWBAR, PERCUSSIVE_ORGAN, CHURCH_ORGAN = 16, 17, 19
NYLON, STEEL, JAZZ_GUITAR, DISTORTION = 24, 25, 26, 30
VIOLIN, VIOLA, CELLO, CONTRABASS = 40, 41, 42, 43
TRUMPET, TROMBONE, HORN = 56, 57, 60
SAX, BARITONE_SAX, ENGLISH_HORN, CLARINET = 65, 67, 69, 71
FLUTE, PAN_FLUTE, OCARINA = 73, 75, 79

Chord = tuple[int, tuple[int, ...]]  # semitones above the key, and the intervals above that


@dataclass(frozen=True)
class Style:
    """What makes a style.

    Attributes:
        tempo: quarter notes a minute, lowest and highest.
        swing: how late the second half of a beat is, as a share of half a beat (a third: triplets).
        drums: drum -> patterns, of which a piece draws one.
        bass: patterns of the bass by letter: r root, f fifth, o octave, t third, w a step on (walking).
        progressions: chords, a bar each.
        comping: patterns of the chords, and how long each is held (share of a beat).
        chords: who plays them.
        melody: who plays the melody; empty for none.
        scale: of the melody.
        notes: of the melody in a bar, fewest and most.
        leap: the longest step of the melody in scale degrees.
        metres: beats a bar.
        deep: the bass is a synthesised one; otherwise cello or contrabass.
    """

    tempo: tuple[int, int]
    progressions: tuple[tuple[Chord, ...], ...]
    comping: tuple[tuple[str, float], ...]
    chords: tuple[int, ...]
    melody: tuple[int, ...]
    scale: tuple[int, ...]
    bass: tuple[str, ...]
    drums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    swing: tuple[float, float] = (0.0, 0.0)
    notes: tuple[int, int] = (3, 8)
    leap: int = 2
    metres: tuple[int, ...] = (4,)
    deep: bool = True


STYLES: dict[str, Style] = {
    "blues": Style(
        tempo=(62, 120),
        swing=(0.2, 0.33),
        progressions=(
            ((0, SEVENTH), (5, SEVENTH), (0, SEVENTH), (7, SEVENTH)),
            ((0, SEVENTH), (0, SEVENTH), (5, SEVENTH), (0, SEVENTH)),
        ),
        comping=(("x...x...x...x...", 0.5), ("x.x.x.x.x.x.x.x.", 0.4), ("....x.......x...", 0.8)),
        chords=(PIANO, STEEL, DRAWBAR, JAZZ_GUITAR),
        melody=(JAZZ_GUITAR, STEEL, SAX, DISTORTION, CLARINET),
        scale=BLUES,
        notes=(2, 7),
        bass=("r.....t.f.....t.", "r...t...f...t...", "r...r...f...f..."),
        drums={
            "kick": ("x.......x.......", "x.......x..x...."),
            "snare": ("....x.......x...",),
            "ride": ("x...x.x.x...x.x.", "x.x.x.x.x.x.x.x."),
        },
    ),
    "classical": Style(
        tempo=(56, 144),
        progressions=(
            ((0, TRIAD), (5, TRIAD), (7, SEVENTH), (0, TRIAD)),
            ((0, MINOR_TRIAD), (5, MINOR_TRIAD), (7, SEVENTH), (0, MINOR_TRIAD)),
            ((0, TRIAD), (9, MINOR_TRIAD), (2, MINOR_TRIAD), (7, TRIAD)),
        ),
        comping=(("arpeggio", 0.5), ("x...............", 3.8), ("arpeggio", 0.9), ("x...x...x...x...", 0.6)),
        chords=(PIANO, HARPSICHORD, VIOLA, CHURCH_ORGAN, HORN, NYLON),
        melody=(VIOLIN, FLUTE, CLARINET, PIANO, ENGLISH_HORN, HARPSICHORD, HORN, TRUMPET),
        scale=MAJOR,
        notes=(3, 10),
        leap=2,
        metres=(3, 4),
        bass=("r...............", "r.......f......."),
        deep=False,
    ),
    "country": Style(
        tempo=(92, 150),
        progressions=(
            ((0, TRIAD), (5, TRIAD), (7, TRIAD), (0, TRIAD)),
            ((0, TRIAD), (0, TRIAD), (7, TRIAD), (7, SEVENTH)),
        ),
        comping=(("....x.......x...", 0.5), ("..x...x...x...x.", 0.35), ("x.xxx.x.x.xxx.x.", 0.3)),
        chords=(STEEL, NYLON, PIANO),
        melody=(VIOLIN, STEEL, PIANO, JAZZ_GUITAR),
        scale=PENTATONIC,
        notes=(4, 10),
        leap=2,
        bass=("r.......f.......", "r...f...r...f..."),
        drums={
            "kick": ("x.......x.......",),
            "snare": ("....x.......x...", "oxoxxxoxoxoxxxox"),
            "hat": ("x.x.x.x.x.x.x.x.", "................"),
        },
    ),
    "disco": Style(
        tempo=(108, 132),
        progressions=(
            ((0, MINOR_SEVENTH), (5, SEVENTH), (0, MINOR_SEVENTH), (5, SEVENTH)),
            ((0, MINOR_SEVENTH), (8, MAJOR_SEVENTH), (10, SEVENTH), (0, MINOR_SEVENTH)),
        ),
        comping=(("..xx..xx..xx..xx", 0.2), ("x..x..x...x..x..", 0.25), ("..x...x...x...x.", 0.3)),
        chords=(CLAVINET, RHODES, JAZZ_GUITAR, PIANO),
        melody=(VIOLIN, TRUMPET, FLUTE, SAX),
        scale=DORIAN,
        notes=(2, 7),
        leap=3,
        bass=("r.o.r.o.r.o.r.o.", "r..or.o.r..or.f."),
        drums={
            "kick": ("x...x...x...x...",),
            "snare": ("....x.......x...",),
            "hat": ("xxxxxxxxxxxxxxxx", "x.x.x.x.x.x.x.x."),
            "open": ("..x...x...x...x.",),
        },
    ),
    "hiphop": Style(
        tempo=(72, 102),
        swing=(0.05, 0.22),
        progressions=(
            ((0, MINOR_SEVENTH), (0, MINOR_SEVENTH), (5, MINOR_SEVENTH), (0, MINOR_SEVENTH)),
            ((0, MINOR_TRIAD), (8, MAJOR_SEVENTH), (0, MINOR_TRIAD), (7, MINOR_TRIAD)),
        ),
        comping=(("x......x........", 1.2), ("x.....x...x.....", 0.6), ("x...............", 3.0)),
        chords=(RHODES, PIANO, VIBRAPHONE, NYLON),
        melody=(),
        scale=MINOR_PENTATONIC,
        notes=(0, 3),
        bass=("r.........r.r...", "r......r........", "r..r......f....."),
        drums={
            "kick": ("x.....x...x.....", "x..x......x.x...", "x.........xx...."),
            "snare": ("....x.......x...",),
            "hat": ("x.x.x.x.x.x.x.x.", "x.xxx.x.x.x.xxx.", "xxxxx.x.xxxxx.x."),
        },
    ),
    "jazz": Style(
        tempo=(96, 230),
        swing=(0.2, 0.33),
        progressions=(
            ((2, MINOR_SEVENTH), (7, SEVENTH), (0, MAJOR_SEVENTH), (9, MINOR_SEVENTH)),
            ((0, MAJOR_SEVENTH), (9, SEVENTH), (2, MINOR_SEVENTH), (7, SEVENTH)),
            ((0, MINOR_SEVENTH), (0, MINOR_SEVENTH), (5, MINOR_SEVENTH), (0, MINOR_SEVENTH)),
        ),
        comping=(
            ("......x.......x.", 0.4),
            ("x.....x.........", 0.7),
            ("..x.......x...x.", 0.3),
            ("arpeggio", 0.5),
        ),
        chords=(PIANO, JAZZ_GUITAR, RHODES, VIBRAPHONE),
        melody=(SAX, TRUMPET, CLARINET, PIANO, VIBRAPHONE, FLUTE),
        scale=DORIAN,
        notes=(4, 12),
        leap=4,
        metres=(4, 4, 3),
        bass=("w...w...w...w...",),
        deep=False,
        drums={
            "ride": ("x...x.x.x...x.x.", "x...x...x...x.x."),
            "hat": ("....x.......x...",),
            "snare": ("................", "......o.....o..."),
            "kick": ("................", "o...o...o...o..."),
        },
    ),
    "metal": Style(
        tempo=(110, 190),
        progressions=(
            ((0, POWER), (0, POWER), (1, POWER), (0, POWER)),
            ((0, POWER), (8, POWER), (10, POWER), (0, POWER)),
            ((0, POWER), (6, POWER), (5, POWER), (3, POWER)),
        ),
        comping=(("xxxxxxxxxxxxxxxx", 0.2), ("x.xxx.xxx.xxx.xx", 0.2), ("x...x..xx..xx...", 0.5)),
        chords=(DISTORTION,),
        melody=(DISTORTION, DISTORTION, VIOLIN),
        scale=PHRYGIAN,
        notes=(0, 10),
        leap=2,
        bass=("rrrrrrrrrrrrrrrr", "r.r.r.r.r.r.r.r."),
        drums={
            "kick": ("xxxxxxxxxxxxxxxx", "x.xxx.xxx.xxx.xx", "x.x.x.x.x.x.x.x."),
            "snare": ("....x.......x...", "..x...x...x...x."),
            "crash": ("x...............",),
            "ride": ("x...x...x...x...", "x.x.x.x.x.x.x.x."),
        },
    ),
    "pop": Style(
        tempo=(92, 130),
        progressions=(
            ((0, TRIAD), (7, TRIAD), (9, MINOR_TRIAD), (5, TRIAD)),
            ((9, MINOR_TRIAD), (5, TRIAD), (0, TRIAD), (7, TRIAD)),
        ),
        comping=(
            ("x.x.x.x.x.x.x.x.", 0.45),
            ("x...............", 3.6),
            ("x.....x.....x...", 0.9),
            ("arpeggio", 0.5),
        ),
        chords=(PIANO, STEEL, NYLON, RHODES),
        melody=(PIANO, OCARINA, STEEL, PAN_FLUTE, VIOLIN),
        scale=PENTATONIC,
        notes=(3, 8),
        leap=2,
        bass=(
            "r.......r.r.....",
            "r.r.r.r.r.r.r.r.",
            "r...............",
        ),
        drums={
            "kick": ("x.......x.x.....", "x.....x.x.......", "x...x...x...x..."),
            "snare": ("....x.......x...",),
            "hat": ("x.x.x.x.x.x.x.x.", "xxxxxxxxxxxxxxxx"),
        },
    ),
    "reggae": Style(
        tempo=(64, 92),
        swing=(0.0, 0.15),
        progressions=(
            ((0, TRIAD), (5, TRIAD), (0, TRIAD), (7, TRIAD)),
            ((0, MINOR_TRIAD), (5, MINOR_TRIAD), (0, MINOR_TRIAD), (5, MINOR_TRIAD)),
            ((0, TRIAD), (2, MINOR_TRIAD), (0, TRIAD), (2, MINOR_TRIAD)),
        ),
        comping=(("....x.......x...", 0.2), ("..x...x...x...x.", 0.2), ("..xx..x...xx..x.", 0.18)),
        chords=(JAZZ_GUITAR, PERCUSSIVE_ORGAN, PIANO, DRAWBAR),
        melody=(TROMBONE, SAX, DRAWBAR, FLUTE),
        scale=PENTATONIC,
        notes=(0, 5),
        leap=3,
        bass=("r.....t.f...r...", "..r...f.....t...", "r..r....f.o....."),
        drums={
            "kick": ("........x.......", "........x......."),
            "snare": ("........x.......", "........x.....o."),
            "hat": ("x.x.x.x.x.x.x.x.", "x.xxx.x.x.xxx.x."),
        },
    ),
    "rock": Style(
        tempo=(98, 156),
        progressions=(
            ((0, POWER), (10, POWER), (5, POWER), (0, POWER)),
            ((0, TRIAD), (5, TRIAD), (7, TRIAD), (5, TRIAD)),
            ((0, POWER), (3, POWER), (5, POWER), (0, POWER)),
        ),
        comping=(("x.x.x.x.x.x.x.x.", 0.45), ("x..x..x.x..x..x.", 0.5), ("x.......x.......", 1.8)),
        chords=(DISTORTION, STEEL, DRAWBAR, PIANO),
        melody=(DISTORTION, JAZZ_GUITAR, DRAWBAR, SAX),
        scale=MINOR_PENTATONIC,
        notes=(2, 8),
        leap=2,
        bass=("r.r.r.r.r.r.r.r.", "r..r..r.r..r..r.", "r...r...r...r..."),
        drums={
            "kick": ("x.......x.x.....", "x.x.....x.......", "x.......x......."),
            "snare": ("....x.......x...",),
            "hat": ("x.x.x.x.x.x.x.x.", "x...x...x...x..."),
            "crash": ("................", "x..............."),
        },
    ),
}
