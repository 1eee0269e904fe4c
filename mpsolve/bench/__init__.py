"""Benchmarks: every method and its rivals on a fixed register of instances.

``python -m bench run``, ``report``, ``list`` and ``kernel`` from the root of the repository, or
``mpsolve bench`` where mpsolve is installed. ``PROTOCOL.md`` beside this file says what is timed.
"""
