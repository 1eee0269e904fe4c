"""Networks that keep a budget on this CPU, from measured layers: ``python -m bench.cpu_table``."""
