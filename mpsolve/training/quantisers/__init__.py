"""Fake quantisation on the integer grids of the deployed network, and its thresholds."""
