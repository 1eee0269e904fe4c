"""Benchmarks and large checks; run from the root of the repository."""
