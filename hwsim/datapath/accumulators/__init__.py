"""One file per accumulator; each registers itself."""
