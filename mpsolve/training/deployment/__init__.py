"""From a model with quantisers to a network that computes with integers, and its files."""
