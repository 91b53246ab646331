"""Two-stage detection in D dimensions in PyTorch: backbone, pyramid, proposals, heads of regions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from hitforge.models.layers import torch_boxes as boxing
from hitforge.models.layers.torch_dense import linear
from hitforge.models.layers.torch_pointwise import Pointwise2d, Pointwise3d

_RARE = 0.02  # share of anchors that hold an object, before anything is learned


def _convolution(channels: int, width: int, dimensions: int, *, kernel: int = 3, stride: int = 1) -> nn.Module:
    """Convolution with a bias, padded by half its kernel, with He initialisation (arXiv 1502.01852)."""
    kind = ({2: Pointwise2d, 3: Pointwise3d} if kernel == 1 else {2: nn.Conv2d, 3: nn.Conv3d})[dimensions]
    layer = kind(channels, width, kernel, stride=stride, padding=kernel // 2)
    nn.init.kaiming_normal_(layer.weight, mode="fan_in", nonlinearity="relu")
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


class ResidualPair(nn.Module):
    """Two convolutions beside a shortcut, with a learned factor that begins small.

    The norm is over groups of channels of one event (Wu and He, arXiv 1803.08494), since batches of events with large
    volumes are small.
    """

    def __init__(self, width: int, dimensions: int) -> None:
        super().__init__()
        self.first, self.second = (_convolution(width, width, dimensions) for _ in range(2))
        groups = next(n for n in (4, 3, 2, 1) if width % n == 0)
        self.norm = nn.GroupNorm(groups, width)
        self.scale = nn.Parameter(torch.tensor(0.3))

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, *S) to the same shape."""
        y = self.second(torch.relu(self.norm(self.first(torch.relu(x)))))
        total: Tensor = x + self.scale.to(y.dtype) * y
        return total


class Pyramid(nn.Module):
    """Stages, each of half the sides of the one before, and a pyramid of features from the last to the first."""

    def __init__(self, channels: int, dimensions: int, widths: Sequence[int], convolutions: int, pyramid: int) -> None:
        super().__init__()
        self.enter, self.stages, self.lateral = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for i, width in enumerate(widths):
            self.enter.append(_convolution(channels, width, dimensions, stride=2 if i else 1))
            self.stages.append(nn.Sequential(*(ResidualPair(width, dimensions) for _ in range(convolutions))))
            self.lateral.append(_convolution(width, pyramid, dimensions, kernel=1))
            channels = width

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, C, *S) to maps (N, width, *S / 2^i) of all stages i."""
        found = []
        for enter, stage, lateral in zip(self.enter, self.stages, self.lateral, strict=True):
            x = stage(enter(x))
            found.append(lateral(torch.relu(x)))
        for i in reversed(range(len(found) - 1)):
            found[i] = found[i] + functional.interpolate(found[i + 1], size=found[i].shape[2:], mode="nearest")
        return found


class Proposals(nn.Module):
    """Region proposal network: of each anchor, is there an object, and where are its sides."""

    def __init__(self, width: int, dimensions: int, anchors: Sequence[Sequence[Sequence[float]]]) -> None:
        super().__init__()
        self.sizes, self.dimensions = anchors, dimensions
        self.hidden = _convolution(width, width, dimensions)
        self.heads = nn.ModuleList()
        for sizes in anchors:
            head = _convolution(width, len(sizes) * (1 + 2 * dimensions), dimensions, kernel=1)
            with torch.no_grad():
                head.weight.mul_(0.1)  # type: ignore[operator]
                head.bias.view(len(sizes), -1)[:, 0] = torch.tensor(_RARE / (1 - _RARE)).log()  # type: ignore[operator]
            self.heads.append(head)

    def forward(self, maps: Sequence[Tensor], strides: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return logit and sides relative to each anchor, (N, A, 1 + 2 D), and the anchors, (A, 2 D)."""
        values, anchors = [], []
        for x, stride, sizes, head in zip(maps, strides, self.sizes, self.heads, strict=True):
            y = head(torch.relu(self.hidden(x))).movedim(1, -1)  # (N, *S, K (1 + 2 D))
            values.append(y.float().reshape(len(y), -1, 1 + 2 * self.dimensions))
            sides = torch.tensor(sizes, device=x.device)
            anchors.append(boxing.grid_anchors(x.shape[2:], [float(stride)] * self.dimensions, sides))
        return torch.cat(values, dim=1), torch.cat(anchors)


class TwoStage(nn.Module):
    """The whole network.

    An image with two projections (B, 2, L, W) is taken as N = 2 B maps with one channel, the views of an event behind
    each other; a volume gives N = B. Outputs, all float32, boxes in cells of the input, axes from the depth on:

    - ``anchors`` (N, A, 1 + 2 D): logit of an object, and the box relative to the anchor;
    - ``grid`` (A, 2 D): the anchors;
    - ``proposals`` (N, R, 2 D) and ``valid`` (N, R), 1 where there is one: what is left of the best anchors;
    - ``regions`` (N, R, K + 2 D + 1): logits of the classes, the last of which is the background, the box relative to
      the proposal, and the logarithm of energy over energy in the mask;
    - ``boxes`` (N, R, 2 D): the refined boxes;
    - ``frames`` (N, R, 2 D): what the masks span, around the refined boxes;
    - ``masks`` (N, R, m, ...): logits of the object's share of the energy.

    Proposals, boxes and frames carry no gradient.

    Args:
        shape: Cells of a map along its D axes, depth first.
        channels: Of a map.
        outputs: Classes K, the background as the last.
        name: Input that is read.
        anchors: Sides of anchors along each axis, in cells; a list for each of the last stages.
        widths: Channels of each stage; all sides halve behind each but the last.
        convolutions: Residual pairs of convolutions in a stage.
        width: Channels of the feature pyramid.
        finest: First stage that the features of regions are taken from.
        candidates: Best anchors that proposals are chosen from.
        proposals: R.
        suppress: Overlap above which the worse of two proposals is dropped.
        pool: Bins along each axis of the features behind class and box.
        mask: Bins along each axis of a mask, m.
        mask_width: Channels of the mask's convolutions.
        mask_convolutions: How many these are.
        grow: Sides of the frame that a mask covers, in those of its box.
        dense: Units of the two dense layers behind class and box.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        channels: int,
        outputs: int,
        name: str,
        *,
        anchors: Sequence[Sequence[Sequence[float]]],
        widths: Sequence[int] = (16, 32, 64),
        convolutions: int = 1,
        width: int = 32,
        finest: int = 0,
        candidates: int = 256,
        proposals: int = 32,
        suppress: float = 0.5,
        pool: int = 5,
        mask: int = 8,
        mask_width: int = 16,
        mask_convolutions: int = 2,
        grow: float = 1.4,
        dense: int = 128,
    ) -> None:
        super().__init__()
        self.name, self.shape, self.channels, self.classes = name, shape, channels, outputs
        self.levels, self.finest, self.pool, self.bins, self.grow = len(anchors), finest, pool, mask, grow
        self.candidates, self.proposals, self.suppress = candidates, proposals, suppress
        d = len(shape)
        self.pyramid = Pyramid(channels, d, widths, convolutions, width)
        self.propose = Proposals(width, d, anchors)
        features = width * pool**d + 2 * d
        self.dense = nn.ModuleList([linear(features, dense, 2.0), linear(dense, dense, 2.0)])
        self.answer = linear(dense, outputs + 2 * d + 1, 0.2)
        mask_widths = [width] + [mask_width] * mask_convolutions
        self.mask = nn.ModuleList([_convolution(a, b, d) for a, b in itertools.pairwise(mask_widths)])
        self.share = _convolution(mask_width, 1, d, kernel=1)

    def forward(self, **inputs: Tensor) -> dict[str, Tensor]:
        """``volume`` (B, C, L, R, C) or ``image`` (B, 2, L, W) to the dict of the class."""
        x = inputs[self.name]
        x = x.reshape(-1, self.channels, *x.shape[2:])  # (N, C, *S)
        maps = [torch.relu(x) for x in self.pyramid(x)]
        strides = [2**i for i in range(len(maps))]
        first = len(maps) - self.levels
        anchors, grid = self.propose(maps[first:], strides[first:])
        proposals, valid = self._proposals(anchors, grid)
        maps, strides = maps[self.finest :], strides[self.finest :]
        regions = self._answers(maps, strides, proposals)
        sides = regions[..., self.classes : -1]
        boxes = boxing.clip(boxing.decode(sides.detach(), proposals), self.shape)
        frames = boxing.enlarged(boxes, self.grow)
        return {
            "anchors": anchors,
            "grid": grid,
            "proposals": proposals,
            "valid": valid.float(),
            "regions": regions,
            "boxes": boxes,
            "frames": frames,
            "masks": self._masks(maps, strides, frames),
        }

    @torch.no_grad()
    def _proposals(self, anchors: Tensor, grid: Tensor) -> tuple[Tensor, Tensor]:
        """Best boxes that do not lie on each other, (N, R, 2 D), and which are real, (N, R) bool."""
        score, index = anchors[..., 0].topk(min(self.candidates, len(grid)), dim=1)  # (N, T)
        values = anchors[..., 1:].gather(1, index[..., None].expand(-1, -1, grid.shape[1]))
        boxes = boxing.clip(boxing.decode(values, grid[index]), self.shape)
        score = score.masked_fill((boxing.sides(boxes) < 0.5).any(-1), -torch.inf)
        kept, valid = boxing.suppress(boxes, score, self.suppress, self.proposals)
        chosen = boxes.gather(1, kept[..., None].expand(-1, -1, boxes.shape[-1]))
        whole = chosen.new_tensor([0.0] * len(self.shape) + list(self.shape))
        return torch.where(valid[..., None], chosen, whole), valid

    def _answers(self, maps: list[Tensor], strides: list[int], boxes: Tensor) -> Tensor:
        """Class, sides and energy of regions, (N, R, K + 2 D + 1)."""
        size = boxes.new_tensor(list(self.shape) * 2)
        x = torch.cat([self._features(maps, strides, boxes, self.pool).flatten(2), boxes / size], dim=2)
        for layer in self.dense:
            x = torch.relu(layer(x))
        found: Tensor = self.answer(x)
        return found.float()

    def _masks(self, maps: list[Tensor], strides: list[int], frames: Tensor) -> Tensor:
        """Logits in the bins of frames, (N, R, m, ...)."""
        x = self._features(maps, strides, frames, self.bins).flatten(0, 1)
        for layer in self.mask:
            x = torch.relu(layer(x))
        found: Tensor = self.share(x).float()  # (N R, 1, m, ...)
        return found.view(*frames.shape[:2], *found.shape[2:])

    def _features(self, maps: list[Tensor], strides: list[int], boxes: Tensor, bins: int) -> Tensor:
        """Features of boxes, (N, R, width, bins, ...), each from the map whose cells are nearest to its bins."""
        side = boxing.sides(boxes).clamp(min=1e-3).log2().mean(-1)  # (N, R)
        level = (side - torch.tensor(float(bins * strides[0])).log2()).round().clamp(0, len(maps) - 1).long()
        group = level + len(maps) * torch.arange(len(boxes), device=boxes.device)[:, None]  # (N, R) of image and map
        order = group.flatten().argsort(stable=True)
        count = torch.bincount(group.flatten(), minlength=len(boxes) * len(maps)).tolist()
        parts = []
        for number, rows in enumerate(torch.split(order, count)):
            if len(rows):  # the work of a region grows with its map, so each map sees its own regions alone
                image, i = divmod(number, len(maps))
                own = boxes.flatten(0, 1).index_select(0, rows)[None] / strides[i]
                parts.append(boxing.align(maps[i][image : image + 1], own, bins)[0])
        found = torch.cat(parts).index_select(0, order.argsort())
        return found.view(*boxes.shape[:2], *found.shape[1:])
