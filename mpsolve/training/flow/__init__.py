"""The whole flow in one call: search, solve, fine-tune, deploy, compare."""
