"""What a neuron listens to: its clips, where in them it fires, and everything known of it on one card."""

from otoscope.listening.card import Card, Example, Profile
from otoscope.listening.cards import cards, listen
from otoscope.listening.hearing import Heard
from otoscope.listening.mel import Mel

__all__ = ["Card", "Example", "Heard", "Mel", "Profile", "cards", "listen"]
