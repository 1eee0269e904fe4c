"""Targets that are measured where they run: see `mpsolve.profiles.targets.measured.cpu`."""
