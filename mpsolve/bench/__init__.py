"""Benchmarks: every method and its rivals on a fixed register of instances.

``mpsolve bench run``, ``report``, ``list`` and ``kernel``. ``PROTOCOL.md`` beside this file says
what is timed. The studies are in ``bench`` at the root of the repository, not in the package.
"""
