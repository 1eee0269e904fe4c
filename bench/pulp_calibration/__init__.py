"""The calibration of the latency model in `mpsolve.profiles.targets.pulp`, and its errors.

``python -m bench.pulp_calibration`` runs it.
"""
