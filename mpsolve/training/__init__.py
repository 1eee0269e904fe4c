"""Differentiable search and fine-tuning with torch; nothing here is imported by the solver."""
