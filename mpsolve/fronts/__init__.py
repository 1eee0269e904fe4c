"""Every non-dominated pair of a cost and the loss, or of two costs."""
