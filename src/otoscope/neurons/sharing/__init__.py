"""Neurons that classes share: counted, tested, put in order."""
