"""What the metrics are called, and what is usual: no torch, so that commands read it too."""

NAMES = (
    *("hessian", "taylor", "mse", "kl", "gradient", "fisher", "linearity"),
    *("loss", "loss-pairs"),
)
#: The metric where nobody names one.
DEFAULT = "taylor"
#: How many examples are measured on.
EXAMPLES = 256
