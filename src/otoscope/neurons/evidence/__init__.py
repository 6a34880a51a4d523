"""Evidence for a selection: tests, effects on new clips, stability, power, and other choices."""
