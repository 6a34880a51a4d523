"""What is printed of a neuron: its card, in words."""

from pathlib import Path
from typing import TYPE_CHECKING

from otoscope.console.printing import MANY, Lines, count, figure, point, table_of

if TYPE_CHECKING:
    from otoscope.listening import Card, Profile

_KINDS = {
    "share": "fires most",
    "peak": "peaks highest",
    "near": "peak nearest to 0",
    "least": "fires least",
}


def card_lines(card: "Card", written: list[Path]) -> Lines:
    """What a neuron listens to: sentences, its profile beside chance, its examples and its likes."""
    yield (
        f"neuron {card.address} of {card.model} on {card.task} "
        f"(layer {card.layer} of 0 to {card.layers - 1}, {card.layer_name})"
    )
    yield ""
    for sentence in card.sentences:
        yield point(sentence)
    for profile in card.profiles:
        yield ""
        yield from _profile_lines(profile)
    yield ""
    yield from _example_lines(card)
    if len(card.follows):
        table = table_of("descriptor", "rho", "follows it within classes of")
        for row in card.follows.to_dict("records"):
            table.add_row(row["descriptor"], f"{row['rho']:.2f}", row["follows"] or "-")
        yield ""
        yield table
    yield ""
    yield card.follows_note
    if len(card.nearest):
        likes = (f"{row['address']} ({row['cosine']:.2f})" for row in card.nearest.to_dict("records"))
        yield f"nearest neurons (cosine of firing shares over clips): {', '.join(likes)}"
    for note in card.notes:
        yield f"note: {note}"
    if written:
        sounds = sum(path.suffix == ".wav" for path in written)
        yield ""
        yield f"open {written[0].with_name('card.html')}"
        yield f"card.png, card.json and {count(sounds, 'WAV file')} lie beside it"


def _profile_lines(profile: "Profile") -> Lines:
    """How often it fires for each class, beside the band of permuted labels; of many classes the first."""
    rows = profile.table.sort_values("probability", ascending=False, kind="stable")
    table = table_of(profile.label, "clips", "p", "permuted labels, 95 %", "")
    for row in rows.head(MANY).to_dict("records"):
        known = row["low"] == row["low"]
        table.add_row(
            str(row["category"]),
            str(row["clips"]),
            f"{row['probability']:.3f}",
            f"{figure(row['low'], '{:.3f}')} to {figure(row['high'], '{:.3f}')}" if known else "-",
            "above"
            if row["probability"] > row["high"]
            else "below"
            if row["probability"] < row["low"]
            else "",
        )
    yield table
    if len(rows) > MANY:
        yield f"of {count(len(rows), 'class', 'classes')}; --json and the saved card have them all"
    yield (
        f"entropy {figure(profile.entropy, '{:.3f}')} of at most {profile.log_classes:.3f} nats. "
        f"{profile.note}"
    )


def _example_lines(card: "Card") -> Lines:
    table = table_of("clip", "labels", "fires on", "peak", "from, to (s)")
    problems = []
    for kind, title in _KINDS.items():
        of = [example for example in card.examples if example.kind == kind]
        if of:
            table.add_row(title, style="bold")
        for example in of:
            when = "" if example.heard is None else _when(example.heard.stretches)
            table.add_row(
                example.clip,
                "; ".join(example.labels.values()),
                f"{example.fired}/{example.tokens}",
                f"{example.peak:.2f}",
                when,
            )
            if example.problem:
                problems.append(example.problem)
    yield table
    if problems:
        yield f"{count(len(problems), 'example')} cannot be heard: {problems[0]}"


def _when(stretches: tuple[tuple[float, float], ...]) -> str:
    shown = ", ".join(f"{start:.2f}-{stop:.2f}" for start, stop in stretches[:3])
    return shown + (f", {len(stretches) - 3} more" if len(stretches) > 3 else "")
