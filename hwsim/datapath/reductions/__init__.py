"""One file per reduction; each registers itself."""
