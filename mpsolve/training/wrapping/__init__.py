"""A user's own model with quantisers in it."""
