"""General solvers with the model that anyone would write first, without our scaling."""
