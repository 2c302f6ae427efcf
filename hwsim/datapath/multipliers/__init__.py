"""One file per multiplier; each registers itself."""
