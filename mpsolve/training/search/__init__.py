"""Differentiable searches for precisions: their quantisers, regularisers and what they find."""
