"""Decoder-only transformers from their configurations."""
