"""Meaning or acoustics: what of a neuron, or of shared neurons, follows from how clips sound."""
