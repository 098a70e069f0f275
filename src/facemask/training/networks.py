"""The networks by name: Net #1 and Net #2 as data."""

from dataclasses import dataclass

BUDGET = 5_000_000
"""The parameters that the study allowed a network."""


@dataclass(frozen=True)
class NetworkSpec:
    """A plain convolutional network: stages of convolutions, then one fully connected layer.

    Each convolution is followed by a ReLU and keeps height and width; after each stage but the
    last a 2 x 2 maximum pooling halves them. The fully connected layer sees every value that is
    left, so it grows with the area of the input, and the convolutions do not.

    Attributes:
        title: how the study calls it.
        input_size_px: the side of its square input, unless an experiment says otherwise.
        stages: the output channels of each convolution, stage by stage, at width 1.
        first_filter_px: the side of the first convolution's filters, unless an experiment says
            otherwise.
        filter_px: the side of the other filters.
    """

    title: str
    input_size_px: int
    stages: tuple[tuple[int, ...], ...]
    first_filter_px: int
    filter_px: int

    @property
    def shrinks_by(self) -> int:
        """How many times smaller the last stage's maps are than the input."""
        return int(2 ** (len(self.stages) - 1))


NETWORKS: dict[str, NetworkSpec] = {
    # The study's table: 6 convolutions, the first 5 x 5, the others 3 x 3; about 400 thousand
    # parameters. It does not give the widths; these come to 399,730.
    "net1": NetworkSpec("Net #1", 32, ((32,), (48, 64), (96, 128), (160,)), 5, 3),
    # 7 convolutions of 5 x 5 at twice the input size, otherwise like Net #1: the one more
    # stands in front, with a pooling, so that the others see maps of the same sizes.
    "net2": NetworkSpec("Net #2", 64, ((16,), (32,), (48, 64), (96, 128), (160,)), 5, 5),
}
"""Every network that an experiment can name."""
