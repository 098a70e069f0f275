"""The networks by name, as data: Net #1 and Net #2 of the study, and a residual one."""

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
        input_size_px: the side of its square input, unless an experiment says otherwise.
        stages: the output channels of each convolution, stage by stage, at width 1.
        first_filter_px: the side of the first convolution's filters, unless an experiment says
            otherwise.
        filter_px: the side of the other filters.
    """

    input_size_px: int
    stages: tuple[tuple[int, ...], ...]
    first_filter_px: int
    filter_px: int

    @property
    def convolutions(self) -> int:
        """How many there are, over all stages."""
        return sum(map(len, self.stages))

    def with_convolutions(self, count: int) -> tuple[tuple[int, ...], ...]:
        """The stages of a deeper or shallower network, as `stages`.

        Added ones repeat the last width of a stage that has fewest, taken ones go from the front
        of a stage that has most, the last such stage first: shapes after each stage stay.

        Args:
            count: how many convolutions; at least one a stage.
        """
        stages = [list(stage) for stage in self.stages]
        late_first = range(len(stages) - 1, -1, -1)
        for _ in range(self.convolutions, count):
            shortest = min(late_first, key=lambda index: len(stages[index]))
            stages[shortest].append(stages[shortest][-1])
        for _ in range(count, self.convolutions):
            longest = max(late_first, key=lambda index: len(stages[index]))
            del stages[longest][0]
        return tuple(map(tuple, stages))

    @property
    def halvings(self) -> int:
        """How often height and width are halved."""
        return len(self.stages) - 1

    has_blocks = False


@dataclass(frozen=True)
class ResidualSpec:
    """A residual network (He et al. 2016): a first convolution, blocks, and the mean of the map.

    The first convolution halves height and width; see `blocks.ResidualBlock` for the blocks. The
    fully connected layer sees one mean a channel, so it does not grow with the input.

    Attributes:
        input_size_px: the side of its square input, unless an experiment says otherwise.
        stem: the output channels of the first convolution, at width 1.
        blocks: the output channels and the stride of each block, at width 1.
        first_filter_px: the side of the first convolution's filters, unless an experiment says
            otherwise.
    """

    input_size_px: int
    stem: int
    blocks: tuple[tuple[int, int], ...]
    first_filter_px: int

    @property
    def halvings(self) -> int:
        """How often height and width are halved."""
        return 1 + sum(stride == 2 for _, stride in self.blocks)

    has_blocks = True


NETWORKS: dict[str, NetworkSpec | ResidualSpec] = {
    # The study's table: 6 convolutions, the first 5 x 5, the others 3 x 3; about 400 thousand
    # parameters. It does not give the widths; these come to 399,730.
    "net1": NetworkSpec(32, ((32,), (48, 64), (96, 128), (160,)), 5, 3),
    # 7 convolutions of 5 x 5 at twice the input size, otherwise like Net #1: the one more
    # stands in front, with a pooling, so that the others see maps of the same sizes.
    "net2": NetworkSpec(64, ((16,), (32,), (48, 64), (96, 128), (160,)), 5, 5),
    # 654 thousand parameters and 54.5 million multiply-accumulates: under a million, and as many
    # of the arithmetic's 60 million as blocks of these widths take.
    "residual": ResidualSpec(64, 24, ((24, 1), (48, 2), (48, 1), (96, 2), (96, 1), (128, 2)), 5),
}
"""Every network that an experiment can name."""
