"""Studies of mpsolve, which no wheel holds; the harness that they share is `mpsolve.bench`.

``python -m bench`` from the root of the repository names them all.
"""
