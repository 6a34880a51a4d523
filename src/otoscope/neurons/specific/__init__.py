"""`specific`, the recommended selector: a split in halves, a test of every pair of classes, an effect."""
