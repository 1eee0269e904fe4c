"""Choosing a method, running it, verifying what it says."""
