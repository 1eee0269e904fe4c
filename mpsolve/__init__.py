"""Chooses the precision of every layer of a neural network exactly."""
