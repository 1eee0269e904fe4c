"""A model with quantisers in it."""

from __future__ import annotations

from contextlib import contextmanager
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import torch
from torch import nn

from mpsolve.errors import InputError
from mpsolve.model.configuration import Configuration
from mpsolve.model.precision import Precision
from mpsolve.training.quantisers import quantiser as quantisers
from mpsolve.training.quantisers.quantiser import Mode, Quantiser
from mpsolve.training.quantisers.tqt import TqtQuantiser
from mpsolve.training.quantisers.uniform import UniformQuantiser
from mpsolve.training.search.layers import SearchedLayer
from mpsolve.training.wrapping.groups import whole_bits
from mpsolve.training.wrapping.insertion import HOME
from mpsolve.training.wrapping.observation import GroupThreshold
from mpsolve.training.wrapping.searched import choice

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import ArrayLike
    from torch import Tensor, fx

    from mpsolve.profiles.networks.network import Network
    from mpsolve.training.wrapping.groups import ActivationGroup

Operand: TypeAlias = Literal["activation", "weight"]
_PROGRAM = "program."


class QuantisedModel(nn.Module):
    """Computes what the model of a user computes, on quantised activations and weights.

    The parameters and buffers of the user have their own paths in the state dictionary, those of
    the quantisers stand under ``quantisers``. See `quantise_model`, which makes it.

    Attributes
    ----------
    program
        The traced model; its graph shows where the quantisers are called.
    network
        The network as `from_torch` reads it from the model of the user.
    groups
        The activations that have quantisers, in network order.
    weights
        Layer -> the path of its weights in the model of the user.
    """

    program: fx.GraphModule

    def __init__(
        self,
        program: fx.GraphModule,
        network: Network,
        groups: tuple[ActivationGroup, ...],
        weights: Mapping[str, str],
    ) -> None:
        super().__init__()
        self.program = program
        self.network = network
        self.groups = groups
        self.weights = dict(weights)
        self.train(program.training)
        self.register_state_dict_post_hook(_shorten)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_pre_hook(_lengthen)  # type: ignore[no-untyped-call]

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """As the model of the user."""
        return self.program(*args, **kwargs)

    @property
    def activation_quantisers(self) -> dict[str, Quantiser]:
        """Name of a group -> its quantiser."""
        return {group.name: self._at("activations", group.name) for group in self.groups}

    @property
    def weight_quantisers(self) -> dict[str, Quantiser]:
        """Name of a layer -> the quantiser of its weights."""
        return {layer.name: self._at("weights", layer.name) for layer in self.network.layers}

    def group_of(self, layer: str) -> ActivationGroup:
        """The activations that a layer reads."""
        self.network.layer(layer)
        return next(group for group in self.groups if layer in group.layers)

    def quantiser(self, layer: str, operand: Operand) -> Quantiser:
        """The quantiser of the input activation or of the weights of a layer."""
        if operand not in ("activation", "weight"):
            raise InputError(f"An operand is activation or weight, not {operand!r}.")
        if operand == "activation":
            return self._at("activations", self.group_of(layer).name)
        return self._at("weights", self.network.layer(layer).name)

    def layers(self, latencies: Mapping[str, ArrayLike] | None = None) -> list[SearchedLayer]:
        """The layers as regularisers see them, in network order.

        Parameters
        ----------
        latencies
            Layer -> ``(K_activation, K_weight)``; see `SearchedLayer`.
        """
        return [
            SearchedLayer(
                layer.name,
                layer.macs,
                choice(self.quantiser(layer.name, "activation")),
                choice(self.quantiser(layer.name, "weight")),
                (latencies or {}).get(layer.name),
            )
            for layer in self.network.layers
        ]

    @property
    def configuration(self) -> Configuration:
        """The precisions of the network that would be deployed now."""
        return Configuration(
            {
                layer.name: Precision(
                    self.quantiser(layer.name, "activation").grid.bits,
                    self.quantiser(layer.name, "weight").grid.bits,
                )
                for layer in self.network.layers
            }
        )

    def apply_configuration(self, configuration: Mapping[str, Precision]) -> None:
        """Quantise to the precisions of a configuration; thresholds stay.

        Raises
        ------
        InputError
            If a layer is missing or unknown, if layers that read activations of one quantiser
            differ in b_in, if activations have fewer bits than they may have, or if precisions are
            searched. Then nothing has been changed.
        """
        for layer in self.network.layers:
            if layer.name not in configuration:
                raise InputError(f"The configuration says nothing about layer {layer.name}.")
        for name in configuration:
            self.network.layer(name)
        wanted = [
            (self._at("activations", group.name), group.bits(configuration), group.name)
            for group in self.groups
            if group.layers
        ] + [
            (self._at("weights", name), whole_bits(p.b_wt, f"Layer {name}: b_wt"), name)
            for name, p in configuration.items()
        ]
        was = [(_fixed(quantiser, name), quantiser.grid.bits) for quantiser, _, name in wanted]
        try:
            for quantiser, bits, name in wanted:
                _fixed(quantiser, name).set_bits(bits)
        except InputError:
            for settable, bits in was:
                settable.set_bits(bits)
            raise

    def set_mode(self, mode: Mode | str) -> None:
        """Set the mode of every quantiser."""
        quantisers.set_mode(self, mode)

    @contextmanager
    def mode(self, mode: Mode | str) -> Iterator[None]:
        """Set the mode of every quantiser for a while."""
        was = [(module, module.mode) for module in self.modules() if isinstance(module, Quantiser)]
        self.set_mode(mode)
        try:
            yield
        finally:
            for module, own in was:
                module.mode = own

    @contextmanager
    def quantise_only(self, layer: str, operand: Operand, bits: int) -> Iterator[None]:
        """Quantise one operand to some bits, and leave everything else in float, for a while.

        The activation of a layer is quantised for all layers and adders of its group.

        Raises
        ------
        InputError
            If there is no such layer, operand or bit-width, or if its precision is searched.
        """
        quantiser = _fixed(self.quantiser(layer, operand), layer)
        was = quantiser.grid.bits
        quantiser.set_bits(bits)
        try:
            with self.mode(Mode.FLOAT):
                quantiser.mode = Mode.QUANTISE
                yield
        finally:
            quantiser.set_bits(was)

    @torch.no_grad()
    def observe(self, batches: Iterable[Any]) -> None:
        """Let the quantisers of activations observe their thresholds, in float and in evaluation.

        Parameters
        ----------
        batches
            Inputs of the model: one tensor, or a tuple of arguments, per batch.
        """
        for module in self.modules():
            if isinstance(module, GroupThreshold):
                module.restart()
        training = {module: module.training for module in self.modules()}
        self.eval()
        try:
            with self.mode(Mode.OBSERVE):
                for batch in batches:
                    self(*batch) if isinstance(batch, tuple | list) else self(batch)
        finally:
            for module, own in training.items():
                module.training = own

    def load_float(self, state: Mapping[str, Any]) -> None:
        """Load a checkpoint of the model of the user, and take learned thresholds from its weights.

        Raises
        ------
        InputError
            If an entry is missing or unknown, or has another shape.
        """
        own = f"{HOME}."
        kept = {name: value for name, value in self.state_dict().items() if name.startswith(own)}
        try:
            self.load_state_dict({**state, **kept})
        except RuntimeError as error:
            raise InputError(" ".join(str(error).replace(_PROGRAM, "").split())) from error
        self.initialise_weights()

    @torch.no_grad()
    def initialise_weights(self) -> None:
        """Set the learned thresholds of weights to their largest magnitudes."""
        for name, quantiser in self.weight_quantisers.items():
            if isinstance(quantiser, TqtQuantiser):
                quantiser.initialise(self.weight(name))

    def weight(self, layer: str) -> Tensor:
        """``(C_out, ...)`` weights of a layer in float, as the user stores them."""
        self.network.layer(layer)
        return cast("Tensor", attrgetter(self.weights[layer])(self.program))

    def _at(self, operand: str, name: str) -> Quantiser:
        module = self.program.get_submodule(HOME).get_submodule(key(operand, name))
        assert isinstance(module, Quantiser)
        return module


def key(operand: str, name: str) -> str:
    """Under which key a quantiser is found: no dots, and no name that modules have themselves."""
    return f"{operand}/{name.replace('.', '/')}"


def _fixed(quantiser: Quantiser, name: str) -> UniformQuantiser | TqtQuantiser:
    if not isinstance(quantiser, UniformQuantiser | TqtQuantiser):
        raise InputError(f"The precision of {name} is searched; it cannot be set.")
    return quantiser


def _shorten(module: nn.Module, state: dict[str, Any], prefix: str, metadata: Any) -> None:
    """The state dictionary without the name of the traced model."""
    for name in [name for name in state if name.startswith(prefix + _PROGRAM)]:
        state[prefix + name.removeprefix(prefix + _PROGRAM)] = state.pop(name)


def _lengthen(module: nn.Module, state: dict[str, Any], prefix: str, *others: Any) -> None:
    """The reverse of `_shorten`."""
    for name in [name for name in state if name.startswith(prefix)]:
        state[prefix + _PROGRAM + name.removeprefix(prefix)] = state.pop(name)
