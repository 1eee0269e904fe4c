"""Several good configurations: the k best, and diverse ones."""
