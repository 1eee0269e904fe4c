"""Numbers with standard deviations: robust answers, and how stable an answer is."""
