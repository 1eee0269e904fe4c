"""Weights in clusters, the non-uniform quantisation of HAQ (Han, Mao and Dally, ICLR 2016).

``2^b`` cluster means stand for all weights of a tensor. They are found by k-means, and every weight
stays in its cluster while the means are trained. Integer kernels cannot compute with them (ITEM
2020, section 3.3): what is found so is a reference and cannot be deployed on PULP.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, cast

import torch

from mpsolve.storage.optional import importing
from mpsolve.training.callbacks import Callback

if TYPE_CHECKING:
    from torch import Tensor

    from mpsolve.training.callbacks import TrainingState
    from mpsolve.training.wrapping.quantised_model import QuantisedModel

#: Weights of more bits are left as they are.
MOST_BITS = 6
#: Iterations of k-means in a search; before fine-tuning HAQ takes 50.
SEARCH_ITERATIONS = 3


def cluster(weight: Tensor, bits: int, iterations: int = SEARCH_ITERATIONS) -> Tensor:
    """The cluster of every weight, by k-means++ of scikit-learn.

    Parameters
    ----------
    weight
        Weights of any shape.
    bits
        There are ``2^bits`` clusters, or as many as there are different weights.
    iterations
        At most.

    Returns
    -------
    int64 numbers of clusters, in the shape of the weights.
    """
    with importing("scikit-learn", "training", "Clusters"):
        from sklearn.cluster import KMeans
        from sklearn.exceptions import ConvergenceWarning
    values = weight.detach().cpu().reshape(-1, 1)
    count = min(2**bits, len(values.unique()))
    kmeans = KMeans(count, init="k-means++", n_init=1, max_iter=iterations, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is stopped early on purpose
        labels = kmeans.fit_predict(values.double().numpy())
    return torch.from_numpy(labels).to(torch.int64).reshape(weight.shape).to(weight.device)


@torch.no_grad()
def average(weight: Tensor, labels: Tensor) -> None:
    """Replace every weight by the mean of its cluster."""
    flat, own = weight.reshape(-1), labels.reshape(-1)
    count = int(own.max()) + 1
    sums = torch.zeros(count, dtype=torch.float64, device=weight.device)
    sums.index_add_(0, own, flat.double())
    means = sums / torch.bincount(own, minlength=count).clamp(min=1)
    weight.copy_(means[own].to(weight.dtype).reshape(weight.shape))


class ClusteredWeights(Callback):
    """Keeps the weights of a model in clusters while it trains.

    Their quantisers must be in float; the bit-widths are those of the model's configuration.
    """

    def __init__(self, iterations: int = SEARCH_ITERATIONS) -> None:
        self._iterations = iterations
        self._labels: dict[str, Tensor] = {}

    def start_of_epoch(self, state: TrainingState) -> None:
        """Find the clusters, once."""
        model = cast("QuantisedModel", state.model)
        if not self._labels:
            for layer, precision in model.configuration.items():
                if precision.b_wt <= MOST_BITS:
                    weight = model.weight(layer)
                    self._labels[layer] = cluster(weight, int(precision.b_wt), self._iterations)
        self.after_batch(state)

    def after_batch(self, state: TrainingState) -> None:
        """Let the weights of a cluster be equal again."""
        model = cast("QuantisedModel", state.model)
        for layer, labels in self._labels.items():
            average(model.weight(layer), labels)
