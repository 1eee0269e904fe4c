"""From a model with quantisers to a network that computes with integers alone."""

from mpsolve.training.integerise.agreement import Agreement as Agreement
from mpsolve.training.integerise.agreement import NodeAgreement as NodeAgreement
from mpsolve.training.integerise.agreement import agreement as agreement
from mpsolve.training.integerise.export import export as export
from mpsolve.training.integerise.integerise import integerise as integerise
from mpsolve.training.integerise.network import IntegerNetwork as IntegerNetwork
