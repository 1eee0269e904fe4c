"""The problem and its answer as data and arithmetic: no files, no solver, no text."""
