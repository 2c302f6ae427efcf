"""What every room shares: errors, records, registries, quantities with units, and YAML with positions."""
