"""The environment: what the agent sees, what its actions mean, and what fits into the memory."""
