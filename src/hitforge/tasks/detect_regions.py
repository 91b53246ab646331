"""Showers found in two stages: anchors propose regions, regions say class, box, energy and shares of hits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.objects.shower.truth import ShowerTruth, shower_truth
from hitforge.representations import Per
from hitforge.tasks import Objects
from hitforge.tasks._assignment import assign
from hitforge.tasks._regions import RegionTruth, drawn, hits_in_frames, match_boxes, region_truth, views
from hitforge.tasks._showers import ShowerConfig, ShowerTask

if TYPE_CHECKING:
    import torch

_CLASSES = 3  # electromagnetic, hadron, background
_CORRECTION = 2.0  # largest logarithm of the factor on the energy
_BETA = 1 / 9  # error of a box, relative to its anchor, up to which the loss is a square
_OUTPUTS = ("anchors", "grid", "proposals", "valid", "regions", "boxes", "frames", "masks")


class DetectRegions(ShowerTask):
    """Showers as regions of a volume (D = 3), or of the projections on x-z and y-z (D = 2).

    The loss is that of Faster and Mask R-CNN (arXiv 1506.01497, 1703.06870). Anchors that overlap a particle's box by
    ``anchor_fore``, and each particle's best ones, are positive, those below ``anchor_back`` negative; of these,
    ``anchor_sample`` of an image are drawn for the cross entropy of objectness, and the positive ones learn the box.
    Proposals that overlap a particle by ``region_fore`` learn its class, box, energy and mask, others the background.

    Masks are fractional: at the place of each hit in its frame, the interpolated logit has the hit's share as target,
    with the cross entropy weighed by the hit's energy, and 1 - sum E min(p, t) / sum E max(p, t) for shares p and true
    shares t (arXiv 2302.05666), the overlap that showers are measured by. So cells without hits are asked for nothing,
    and hits that share a bin, as they do in a projection, average to the share of the bin's energy. The energy of a
    shower is that of its mask times exp(correction).

    In a new event, regions are taken from the best score on, without those that overlap a better one by ``duplicate``;
    the share of a hit is the mask at its place, 0 outside the frame. Where the shares of a hit exceed 1, they are cut
    in proportion to share x score^2, so that a doubtful region takes little from a sure one.

    With two views, each region of one is paired with one of the other, so that the sum of the pairs' likeness, IoU of
    the depths x ratio of the energies x energy of the hits in both over the smaller energy, is the largest; pairs below
    ``pair`` are dropped, and regions without a partner. A hit is then divided in the ratio of the products of both
    masks: showers that lie on each other in one view are told apart by the other, which neither mask alone can. How
    much of the hit is divided is the sum of the masks in the view where it is less, at most 1. Energy and score are the
    geometric mean of both, the class the mean.
    """

    per: ClassVar[Per] = "object"

    class Config(ShowerConfig):
        """Matching, loss, and how showers are read off."""

        anchor_fore: float = Field(0.4, gt=0, lt=1, description="overlap from which on an anchor is positive")
        anchor_back: float = Field(0.25, gt=0, lt=1, description="overlap below which an anchor is negative")
        anchor_sample: int = Field(256, ge=1, le=100_000, description="anchors of an image that are learned from")
        region_fore: float = Field(0.4, gt=0, lt=1, description="overlap from which on a proposal is a particle")
        region_sample: int = Field(32, ge=1, le=10_000, description="proposals of an image that are learned from")
        positive: float = Field(0.5, gt=0, lt=1, description="part of the sampled anchors, proposals that are positive")
        objectness: float = Field(1.0, ge=0, le=1e3, description="weight of the anchors' cross entropy")
        anchor_box: float = Field(1.0, ge=0, le=1e3, description="weight of the anchors' boxes")
        classes: float = Field(1.0, ge=0, le=1e3, description="weight of the regions' classes")
        box: float = Field(1.0, ge=0, le=1e3, description="weight of the regions' boxes")
        correction: float = Field(0.5, ge=0, le=1e3, description="weight of the energy's correction")
        mask: float = Field(1.0, ge=0, le=1e3, description="weight of the masks' cross entropy")
        overlap: float = Field(1.0, ge=0, le=1e3, description="weight of the masks' overlap")
        duplicate: float = Field(0.5, gt=0, le=1, description="overlap of boxes above which the worse is left out")
        renamed: ClassVar[dict[str, str]] = {"most": "max_showers"}

        max_showers: int = Field(32, ge=1, le=1000, description="showers that are looked for in a view, at most")
        pair: float = Field(0.02, ge=0, lt=1, description="least likeness of regions of two views that are one shower")

    config: Config

    @property
    def outputs(self) -> int:
        """Classes of a region, the last of which is the background."""
        return _CLASSES

    def torch_loss(self, outputs: Any, target: Any) -> torch.Tensor:
        """Return the loss of the class.

        Args:
            outputs: What ``models.layers.torch_two_stage.TwoStage`` gives.
            target: Arrays of ``ShowerTruth``.

        Raises:
            ConfigError: The network gives something else.
        """
        from torch.nn import functional

        c, truth, out = self.config, shower_truth(target), _checked(outputs)
        axes = views(out["proposals"])
        particles = region_truth(truth, axes)
        random = bool(out["anchors"].requires_grad)
        match = match_boxes(out["grid"], particles, c.anchor_fore, c.anchor_back, every=True)
        positive, negative = drawn(match, c.anchor_sample, c.positive, random=random)
        logit = out["anchors"][..., 0]
        entropy = functional.binary_cross_entropy_with_logits(logit, positive.float(), reduction="none")
        loss: torch.Tensor = c.objectness * _mean(entropy, (positive | negative).float())
        grid = out["grid"].expand(len(positive), -1, -1)
        loss = loss + c.anchor_box * _box_error(out["anchors"][..., 1:], grid, match.particle, positive, particles)
        return loss + self._region_loss(out, truth, particles, axes, random)

    def objects(self, outputs: Any, inputs: dict[str, Array]) -> Objects:
        """Read the showers of one event off.

        Args:
            outputs: What ``models.layers.torch_two_stage.TwoStage`` gives.
            inputs: With ``place`` (H, 3) and ``energy`` (H,).

        Raises:
            ConfigError: The network gives something else.
        """
        import torch

        from hitforge.models.layers.torch_boxes import suppress

        c = self.config
        out = _checked({name: torch.from_numpy(np.array(value, np.float32)) for name, value in outputs.items()})
        place = torch.from_numpy(np.array(inputs["place"], np.float32))
        energy = np.asarray(inputs["energy"], np.float64)
        chance = out["regions"][..., :_CLASSES].softmax(-1)  # (V, R, 3)
        score = 1.0 - chance[..., -1]
        alive = (out["valid"] > 0) & (score >= c.min_score)
        row, real = suppress(out["boxes"], score.masked_fill(~alive, -torch.inf), c.duplicate, c.max_showers)
        seen = []
        for view, axis in enumerate(views(out["proposals"])):
            kept = row[view][real[view]]  # (K,)
            share = _shares(out["masks"][view, kept], out["frames"][view, kept], place[:, list(axis)])
            factor = out["regions"][view, kept, -1].double().clamp(-_CORRECTION, _CORRECTION).exp().numpy()
            box = out["boxes"][view, kept].double().numpy()
            parameters = {
                "score": score[view, kept].double().numpy(),
                "hadron": (chance[view, kept, 1] / chance[view, kept, :2].sum(-1).clamp(min=1e-6)).double().numpy(),
                "energy": energy @ share * factor,
            }
            seen.append((share, box[:, [0, len(axis)]], parameters))
        share, _, parameters = seen[0] if len(seen) == 1 else self._paired(seen[0], seen[1], energy)
        return self.kept(_cut(share, parameters["score"]), energy, parameters)

    def _region_loss(
        self,
        out: dict[str, torch.Tensor],
        truth: ShowerTruth,
        particles: RegionTruth,
        axes: tuple[tuple[int, ...], ...],
        random: bool,
    ) -> torch.Tensor:
        """Class, box, energy and mask of the proposals."""
        import torch
        from torch.nn import functional

        c, regions = self.config, out["regions"]
        match = match_boxes(out["proposals"], particles, c.region_fore, c.region_fore, every=False)
        valid = out["valid"] > 0
        match = match._replace(positive=match.positive & valid, negative=match.negative & valid)
        positive, negative = drawn(match, c.region_sample, c.positive, random=random)
        kind = torch.where(positive, particles.kind.gather(1, match.particle), _CLASSES - 1)
        entropy = functional.cross_entropy(regions[..., :_CLASSES].movedim(-1, 1), kind, reduction="none")
        loss: torch.Tensor = c.classes * _mean(entropy, (positive | negative).float())
        sides = regions[..., _CLASSES:-1]
        loss = loss + c.box * _box_error(sides, out["proposals"], match.particle, positive, particles)
        row, region = torch.nonzero(positive, as_tuple=True)  # (P,)
        particle = match.particle[row, region]
        entropy, iou, raw = self._mask_loss(
            out["masks"][row, region], out["frames"][row, region], row, particle, truth, axes
        )
        # the factor makes up for what the mask leaves out, but not for a mask that is not yet learned
        deposited = particles.deposited[row, particle].clamp(min=1e-3)
        factor = particles.energy[row, particle].clamp(min=1e-3) / torch.clamp(raw, 0.5 * deposited, 2.0 * deposited)
        error = (regions[row, region, -1] - factor.log().clamp(-_CORRECTION, _CORRECTION)).abs()
        each = c.mask * entropy + c.overlap * (1.0 - iou) + c.correction * error
        # the sum keeps masks in the graph where nothing is positive
        return loss + _mean(each, particles.weight[row, particle]) + 0.0 * out["masks"].sum()

    @staticmethod
    def _mask_loss(
        masks: torch.Tensor,
        frames: torch.Tensor,
        row: torch.Tensor,
        particle: torch.Tensor,
        truth: ShowerTruth,
        axes: tuple[tuple[int, ...], ...],
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Cross entropy, IoU and energy [GeV] of the masks of regions, (P,) each, over the hits in their frames."""
        import torch
        from torch.nn import functional

        from hitforge.models.layers.torch_boxes import interpolate

        frame, hit, place = hits_in_frames(frames, row, truth, axes)
        logit = interpolate(masks, frames, frame, place)  # (K,)
        share, energy = truth.fraction[hit, particle[frame]], truth.energy[hit]

        def summed(values: torch.Tensor) -> torch.Tensor:
            return values.new_zeros(len(masks)).index_add(0, frame, energy * values)

        entropy = functional.binary_cross_entropy_with_logits(logit, share, reduction="none")
        chance = logit.sigmoid()
        total = summed(torch.ones_like(share)).clamp(min=1e-6)
        iou = summed(torch.minimum(chance, share)) / summed(torch.maximum(chance, share)).clamp(min=1e-6)
        return summed(entropy) / total, iou, summed(chance.detach())

    def _paired(self, first: Any, second: Any, energy: Array) -> tuple[Array, Array, dict[str, Array]]:
        """Regions of both views that are the same showers: shares (H, K), depths (K, 2), parameters."""
        shares, depths, values = zip(first, second, strict=True)
        raw = [np.maximum(energy @ share, 1e-9) for share in shares]
        low = np.maximum(depths[0][:, None, 0], depths[1][None, :, 0])
        high = np.minimum(depths[0][:, None, 1], depths[1][None, :, 1])
        length = [depth[:, 1] - depth[:, 0] for depth in depths]
        whole = length[0][:, None] + length[1][None]
        shared = np.maximum(high - low, 0.0)
        likeness = shared / np.maximum(whole - shared, 1e-9)  # (K0, K1)
        one, other = values[0]["energy"][:, None], values[1]["energy"][None]
        likeness = likeness * np.minimum(one, other) / np.maximum(np.maximum(one, other), 1e-9)
        common = (shares[0] * energy[:, None]).T @ shares[1]
        likeness = likeness * common / np.minimum(raw[0][:, None], raw[1][None])
        i, j = assign(-likeness)
        keep = likeness[i, j] > self.config.pair
        i, j = i[keep], j[keep]
        parameters = {name: np.sqrt(values[0][name][i] * values[1][name][j]) for name in ("score", "energy")}
        parameters["hadron"] = 0.5 * (values[0]["hadron"][i] + values[1]["hadron"][j])
        clear = [np.where(share >= self.config.min_share, share, 0.0) for share in (shares[0][:, i], shares[1][:, j])]
        return _divided(*clear), 0.5 * (depths[0][i] + depths[1][j]), parameters


def _checked(outputs: Any) -> dict[str, torch.Tensor]:
    """Outputs in float32, boxes without a gradient."""
    missing = [name for name in _OUTPUTS if not isinstance(outputs, dict) or name not in outputs]
    if missing:
        raise ConfigError(
            f"a network of two stages gives {', '.join(_OUTPUTS)}",
            came=f"no {missing[0]}",
            where="model",
            do="use the model 'two_stage_detector' or 'mask_rcnn'",
        )
    return {name: outputs[name].float() for name in _OUTPUTS}


def _mean(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Weighted mean, 0 where nothing has a weight."""
    return (values * weight).sum() / weight.sum().clamp(min=1e-6)


def _box_error(
    sides: torch.Tensor,
    boxes: torch.Tensor,
    particle: torch.Tensor,
    positive: torch.Tensor,
    particles: RegionTruth,
) -> torch.Tensor:
    """Mean of the smooth L1 error of encoded sides (N, A, 2 D), over the positive of boxes (N, A, 2 D)."""
    import torch
    from torch.nn import functional

    from hitforge.models.layers.torch_boxes import encode

    row, column = torch.nonzero(positive, as_tuple=True)  # (P,)
    own = particle[row, column]
    goal = encode(particles.boxes[row, own], boxes[row, column])
    error = functional.smooth_l1_loss(sides[row, column], goal, beta=_BETA, reduction="none").sum(1)
    return _mean(error, particles.weight[row, own])


def _shares(masks: torch.Tensor, frames: torch.Tensor, place: torch.Tensor) -> Array:
    """Shares of hits at (H, D) in regions, (H, K) float64, of logits (K, m, ...) in frames (K, 2 D)."""
    import torch

    from hitforge.models.layers.torch_boxes import interpolate

    low, high = frames[:, None].chunk(2, dim=-1)  # (K, 1, D)
    region, hit = torch.nonzero(((place >= low) & (place < high)).all(-1), as_tuple=True)
    share = torch.zeros(len(place), len(frames), dtype=torch.float64)
    share[hit, region] = interpolate(masks, frames, region, place[hit]).sigmoid().double()
    found: Array = share.numpy()
    return found


def _divided(first: Array, second: Array) -> Array:
    """Shares of hits by their masks in two views, all (H, K): in the ratio of the products, as much as both allow."""
    product = first * second
    whole = np.minimum(np.minimum(first.sum(1), second.sum(1)), 1.0)[:, None]
    share: Array = product / np.maximum(product.sum(1, keepdims=True), 1e-12) * whole
    return share


def _cut(share: Array, score: Array) -> Array:
    """Shares (H, K), where those of a hit exceed 1 cut in proportion to share x score^2."""
    claim = share * np.square(np.asarray(score, np.float64))
    total = np.maximum(claim.sum(1, keepdims=True), 1e-12)
    cut: Array = np.where(share.sum(1, keepdims=True) > 1.0, np.minimum(share, claim / total), share)
    return cut
