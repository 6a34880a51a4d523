"""Audio models: one small interface, the M2D encoder behind it, and the names that load them."""
