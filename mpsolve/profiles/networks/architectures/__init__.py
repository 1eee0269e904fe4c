"""Networks that are known by name, one file per family, each after the tables of its paper."""
