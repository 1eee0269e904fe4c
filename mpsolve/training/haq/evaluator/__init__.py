"""Evaluators: how good a configuration is, by training or by a table."""
