"""Building a network operator by operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpsolve.profiles.networks.convolution import Size, Window, convolution, pair
from mpsolve.profiles.networks.layer_type import LayerType
from mpsolve.profiles.networks.network import Network, Node

if TYPE_CHECKING:
    from collections.abc import Sequence


class NetworkBuilder:
    """Collects the operators of a network in the order in which they are executed.

    Every method but `build` adds one operator and returns the name of the tensor that it writes,
    which is the name of the operator. Batch normalisation and activation belong to the layer
    before them and are not mentioned.

    Parameters
    ----------
    name
        Name of the network.
    source
        Where the network comes from, in one sentence.

    Examples
    --------
    >>> net = NetworkBuilder("tiny")
    >>> x = net.input(3, 32, 32)
    >>> x = net.conv("conv0", x, 16, kernel=3, stride=2)
    >>> x = net.global_pool("pool", x)
    >>> x = net.linear("fc", x, 10, bias=True)
    >>> net.build(x)
    <Network tiny: 2 layers of 2 types, 110,752 MACs, 602 parameters>
    """

    def __init__(self, name: str, source: str = "") -> None:
        self.name = name
        self.source = source
        self._inputs: list[str] = []
        self._nodes: list[Node] = []
        self._shapes: dict[str, tuple[int, int, int]] = {}
        self._shares: dict[str, float] = {}

    def input(self, channels: int, height: int = 1, width: int = 1, name: str = "input") -> str:
        """A tensor that the network reads."""
        self._shapes[name] = (channels, height, width)
        self._inputs.append(name)
        return name

    def shape(self, tensor: str) -> tuple[int, int, int]:
        """Channels, height and width of a tensor."""
        return self._shapes[tensor]

    def conv(
        self, name: str, x: str, channels: int, kernel: Size = 3, stride: Size = 1, **more: Any
    ) -> str:
        """A convolution; ``more`` are further arguments of `Window` and `convolution`."""
        in_channels, height, width = self.shape(x)
        window = Window(kernel, stride, more.pop("padding", None), more.pop("dilation", 1))
        layer_type = convolution(in_channels, channels, (height, width), window, **more)
        return self.layer(name, x, layer_type)

    def dw(self, name: str, x: str, kernel: Size = 3, stride: Size = 1, **more: Any) -> str:
        """A depthwise convolution, which keeps the number of channels."""
        channels = self.shape(x)[0]
        return self.conv(name, x, channels, kernel, stride, groups=channels, **more)

    def pw(self, name: str, x: str, channels: int, stride: Size = 1, *, bias: bool = False) -> str:
        """A pointwise convolution."""
        return self.conv(name, x, channels, 1, stride, bias=bias)

    def linear(self, name: str, x: str, features: int, *, bias: bool = False, **more: Any) -> str:
        """A linear layer on every position of a tensor; ``more`` are arguments of `layer`."""
        in_features, height, width = self.shape(x)
        size = (height, width)
        layer_type = LayerType("linear", in_features, features, size, size, bias=bias)
        return self.layer(name, x, layer_type, **more)

    def layer(
        self, name: str, x: str, layer_type: LayerType, *, layer: str = "", share: float = 1.0
    ) -> str:
        """An operator with weights.

        Parameters
        ----------
        name, x, layer_type
            The operator, the tensor that it reads, and its layer type.
        layer
            The layer whose weights it uses, if another operator has them too.
        share
            See `Layer.share`.
        """
        node = Node(name, layer_type.kind, (x,), name, layer_type, layer)
        if share != 1:
            self._shares[node.layer] = share
        return self._append(node, (layer_type.out_channels, *layer_type.out_size))

    def add(self, name: str, *inputs: str) -> str:
        """The sum of tensors of one shape."""
        return self.operator(name, "add", inputs, self.shape(inputs[0]))

    def mul(self, name: str, x: str, factor: str) -> str:
        """The product of a tensor and one that is broadcast to its shape."""
        return self.operator(name, "mul", (x, factor), self.shape(x))

    def concat(self, name: str, *inputs: str) -> str:
        """Tensors one after the other along their channels."""
        _, height, width = self.shape(inputs[0])
        channels = sum(self.shape(tensor)[0] for tensor in inputs)
        return self.operator(name, "concat", inputs, (channels, height, width))

    def pool(self, name: str, x: str, stride: Size) -> str:
        """A pooling whose output has the size of its input divided by the stride, rounded up."""
        channels, height, width = self.shape(x)
        down, across = pair(stride)
        return self.operator(
            name, "pool", (x,), (channels, -(-height // down), -(-width // across))
        )

    def global_pool(self, name: str, x: str) -> str:
        """A pooling over all positions."""
        return self.operator(name, "pool", (x,), (self.shape(x)[0], 1, 1))

    def flatten(self, name: str, x: str) -> str:
        """All elements of a tensor as channels; nothing is added if they are already."""
        channels, height, width = self.shape(x)
        if height * width == 1:
            return x
        return self.operator(name, "reshape", (x,), (channels * height * width, 1, 1))

    def operator(
        self, name: str, operator: str, inputs: Sequence[str], shape: tuple[int, int, int]
    ) -> str:
        """An operator without weights that writes a tensor of this shape; see `Node`."""
        return self._append(Node(name, operator, tuple(inputs), name), shape)

    def build(self, *outputs: str) -> Network:
        """The network that returns these tensors."""
        return Network(
            name=self.name,
            nodes=tuple(self._nodes),
            tensors=self._shapes,
            inputs=tuple(self._inputs),
            outputs=outputs,
            shares=self._shares,
            source=self.source,
        )

    def _append(self, node: Node, shape: tuple[int, int, int]) -> str:
        self._nodes.append(node)
        self._shapes[node.output] = shape
        return node.output
