"""Showers found in one stage: places of the front plane say that a shower enters there, and which hits are its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from pydantic import Field
from scipy.special import softmax

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.objects.shower.matching import pairwise_iou
from hitforge.objects.shower.truth import Particles, ShowerTruth, shower_truth
from hitforge.representations import Per
from hitforge.tasks import Objects
from hitforge.tasks._showers import ShowerConfig, ShowerTask

if TYPE_CHECKING:
    import torch

_ANSWERS = 14  # numbers of a place before its kernel
_DEPTH = 8.0  # a shower's depth where the network says nothing, and the scale of what it says [voxels]
_LARGEST = 4.0  # of the logarithm of a box's side [voxels] and of a mask's sharpness
_CORRECTION = 2.0  # largest logarithm of the factor on the energy


class _Answers(NamedTuple):
    """What places say of showers, each (..., K) of tensors; see ``DetectShowers``."""

    centre: torch.Tensor
    """Depth, row, column of the middle [voxels], (..., 3)."""
    sides: torch.Tensor
    """Logarithms of the distances [voxels] from the middle to the lower and the upper sides of the box, (..., 6)."""
    kind: torch.Tensor
    correction: torch.Tensor
    steep: torch.Tensor
    bias: torch.Tensor
    kernel: torch.Tensor

    @property
    def boxes(self) -> torch.Tensor:
        """Lower and upper sides, (..., 6)."""
        import torch

        size = self.sides.exp()
        return torch.cat([self.centre - size[..., :3], self.centre + size[..., 3:]], dim=-1)


class DetectShowers(ShowerTask):
    """Showers as places of the front plane, with masks of hits: a detector of one stage, without anchors.

    As in CenterNet (arXiv 1904.07850), each place (row, column) of a map has a logit that a shower has its middle
    there. The target of the map is 1 at the place of each shower, with a Gaussian of ``spread`` about it, and its loss
    the focal one with exponents 2 and 4. Further numbers of a place hold for the shower in it: its middle in row,
    column and depth, the logarithms of the distances to the six sides of its box, the logit of the class hadron, and
    the logarithm of a factor that makes its energy out of that of its hits. They are learned, with the kernel below,
    at one place for each shower: that of the highest logit among those next to its middle, since this is where the
    shower is read off. Boxes have the L1 error of the logarithms and 1 - GIoU (arXiv 1902.09630).

    Masks follow CondInst and SOLOv2 (arXiv 2003.05664, 2003.10152): a hit h with features f_h has the logit

        m_kh = w_k . f_h + b_k - exp(s_k) r_kh^2 / radius^2

    of belonging to the shower k, the place of which gives w, b and s, r being the distance to its middle across the
    depth. Shares of a hit's energy are the softmax of these and of a logit of the hit itself, for noise: they add up to
    1, as true shares do, so showers that overlap compete for a hit, and the cross entropy is least at the true shares
    however mixed a hit is, where sigmoids would let two showers take all of it. The loss is that cross entropy, weighed
    by energy, and 1 - IoU of each shower with IoU = sum E min(p, t) / sum E max(p, t) for shares p and true shares t,
    the IoU that showers are measured by, which is largest at p = t for shares too (arXiv 2302.05666).

    In a new event the highest logits among their neighbours are taken from the best on. One is left out when it would
    share its hits with a better one: when, with both in the softmax, their IoU is above ``duplicate``. The score is the
    probability of the place times the mean share, weighed by energy, that the shower has of its hits, as in SOLOv2: a
    shower that is cut out of others without doubt comes before one that is not.

    A network gives ``heat`` (B, rows, columns, ``outputs``) and ``pixels`` (H, ``masks`` + 1), the features of hits and
    their logit of noise.
    """

    per: ClassVar[Per] = "object"

    class Config(ShowerConfig):
        """Masks, loss, and how showers are read off."""

        renamed: ClassVar[dict[str, str]] = {"most": "max_showers"}

        masks: int = Field(16, ge=1, le=256, description="features of a hit in masks; the model's number")
        spread: float = Field(0.8, gt=0, le=100, description="width of the heat map about a shower [voxels]")
        near: int = Field(1, ge=0, le=16, description="rows and columns from its middle where a shower may be read off")
        radius: float = Field(
            2.0, gt=0, le=1000, description="distance at which an untrained mask is down by one [voxels]"
        )
        heat: float = Field(1.0, ge=0, le=1e3, description="weight of the heat map in the loss")
        centre: float = Field(0.5, ge=0, le=1e3, description="weight of the middles of showers")
        box: float = Field(0.2, ge=0, le=1e3, description="weight of the boxes")
        hadron: float = Field(0.5, ge=0, le=1e3, description="weight of the class")
        energy: float = Field(0.5, ge=0, le=1e3, description="weight of the factor on the energy")
        shares: float = Field(1.0, ge=0, le=1e3, description="weight of the cross entropy of shares")
        overlap: float = Field(1.0, ge=0, le=1e3, description="weight of the IoU of shares")
        max_showers: int = Field(32, ge=1, le=1000, description="showers that are looked for in an event, at most")
        duplicate: float = Field(0.5, gt=0, le=1, description="IoU with a better shower above which one is left out")

    config: Config

    @property
    def outputs(self) -> int:
        """Numbers of a place: logit, middle (3), box (6), class, energy, sharpness, bias, and kernel."""
        return _ANSWERS + self.config.masks

    def torch_loss(self, outputs: Any, target: Any) -> torch.Tensor:
        """Return the loss of the class.

        Args:
            outputs: ``heat`` (B, R, C, ``outputs``), ``pixels`` (H, ``masks`` + 1).
            target: Arrays of ``ShowerTruth``.

        Raises:
            ConfigError: The network has another number of features of hits.
        """
        from torch.nn import functional

        c, truth = self.config, shower_truth(target)
        heat, pixels = self._checked(outputs)
        p = truth.particles
        cell = _cells(p, heat, c.near, c.spread)  # (B, M)
        answers = _answers(heat, cell)
        weight = p.real * p.weight
        weight = weight / weight.sum().clamp(min=1e-6)  # (B, M), sum 1 or 0
        kind = functional.binary_cross_entropy_with_logits(answers.kind, p.kind, reduction="none")
        entropy, iou, raw = self._shares(answers, pixels, truth)
        # the factor makes up for what the mask leaves out, but not for a mask that is not yet learned
        raw = raw.clamp(min=0.5 * p.deposited, max=2.0 * p.deposited)
        true = p.energy.clamp(min=1e-3).log() - raw.clamp(min=1e-3).log()
        energy = (answers.correction - true.clamp(-_CORRECTION, _CORRECTION)).abs()
        each = c.hadron * kind + c.energy * energy + c.overlap * (1.0 - iou)
        each = each + c.centre * _centre_error(answers, p) + c.box * _box_error(answers, p, truth.boxes)
        loss: torch.Tensor = c.heat * _focal(heat[..., 0], p, c.spread) + c.shares * entropy + (weight * each).sum()
        return loss

    def objects(self, outputs: Any, inputs: dict[str, Array]) -> Objects:
        """Read the showers of one event off.

        Args:
            outputs: ``heat`` (1, R, C, ``outputs``), ``pixels`` (H, ``masks`` + 1).
            inputs: With ``place`` (H, 3) and ``energy`` (H,).

        Raises:
            ConfigError: The network has another number of features of hits.
        """
        import torch
        from torch.nn import functional

        c = self.config
        heat, pixels = self._checked({k: torch.from_numpy(np.asarray(v, np.float32)) for k, v in outputs.items()})
        energy = np.asarray(inputs["energy"], np.float64)
        chance = heat[:, :, :, 0].sigmoid()  # (1, R, C)
        highest = functional.max_pool2d(chance, 3, stride=1, padding=1)
        cell = torch.nonzero(((chance == highest) & (chance >= c.min_score)).flatten())[:, 0]
        cell = cell[chance.flatten()[cell].argsort(descending=True, stable=True)][: c.max_showers]  # (K,)
        answers = _answers(heat, cell[None])
        place = torch.from_numpy(np.asarray(inputs["place"], np.float32))
        event = torch.zeros(len(pixels), dtype=torch.int64)
        logit = self._logits(answers, pixels, place, event).numpy().astype(np.float64)  # (H, K)
        noise = pixels[:, -1].numpy().astype(np.float64)
        kept: list[int] = []
        for k in range(len(cell)):
            share = _softmax(noise, logit[:, [*kept, k]])
            if energy @ share[:, -1] < c.min_energy:
                continue
            if pairwise_iou(share[:, -1:], share[:, :-1], energy).max(initial=0.0) <= c.duplicate:
                kept.append(k)
        share = _softmax(noise, logit[:, kept])
        raw = energy @ share  # (K,) [GeV], with the faint shares: the factor is learned so
        clear = energy @ share**2 / np.maximum(raw, 1e-12)
        factor = np.exp(np.clip(answers.correction[0].numpy()[kept].astype(np.float64), -_CORRECTION, _CORRECTION))
        parameters = {
            "score": chance.flatten()[cell].numpy()[kept] * clear,
            "hadron": answers.kind[0].sigmoid().numpy()[kept],
            "energy": raw * factor,
        }
        return self.kept(share, energy, parameters)

    def _checked(self, outputs: Any) -> tuple[torch.Tensor, torch.Tensor]:
        heat, pixels = outputs["heat"], outputs["pixels"]
        if pixels.shape[1] != self.config.masks + 1:
            raise ConfigError(
                f"the task '{self.name}' asks for {self.config.masks} features of a hit",
                came=f"{pixels.shape[1] - 1} from the network",
                where="task.masks",
                do="give task.masks and model.masks the same value",
            )
        return heat, pixels

    def _logits(
        self, answers: _Answers, pixels: torch.Tensor, place: torch.Tensor, event: torch.Tensor
    ) -> torch.Tensor:
        """Logits of the hits in the showers of their event, (H, M), of answers (B, M)."""
        batch, most = answers.kind.shape
        dot = pixels[:, :-1] @ answers.kernel.flatten(0, 1).T  # (H, B M)
        own = event[:, None, None].expand(-1, 1, most)
        logit = dot.view(len(pixels), batch, most).gather(1, own)[:, 0]  # (H, M)
        middle = answers.centre[..., 1:].index_select(0, event)  # (H, M, 2)
        squared = (place[:, None, 1:] - middle).square().sum(2) / self.config.radius**2
        steep = answers.steep.clamp(-_LARGEST, _LARGEST).exp()
        return logit + answers.bias.index_select(0, event) - steep.index_select(0, event) * squared

    def _shares(
        self, answers: _Answers, pixels: torch.Tensor, truth: ShowerTruth
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Cross entropy of shares, and of each particle IoU (B, M) and energy of its mask [GeV] (B, M), detached."""
        import torch

        event, energy, true = truth.event.long(), truth.energy[:, None], truth.fraction  # (H,), (H, 1), (H, M)
        real = truth.particles.real > 0
        logit = self._logits(answers, pixels, truth.place, event)
        logit = logit.masked_fill(~real.index_select(0, event), -1e9)
        log = torch.cat([pixels[:, -1:], logit], dim=1).log_softmax(1)  # (H, 1 + M)
        rest = (1.0 - true.sum(1, keepdim=True)).clamp(min=0.0)
        entropy = -(energy * torch.cat([rest, true], dim=1) * log).sum() / energy.sum().clamp(min=1e-6)
        share = log[:, 1:].exp()
        none = energy.new_zeros(real.shape)
        shared = none.index_add(0, event, energy * torch.minimum(share, true))
        union = none.index_add(0, event, energy * torch.maximum(share, true))
        raw = none.index_add(0, event, energy * share.detach())
        return entropy, shared / union.clamp(min=1e-6), raw


def _cells(p: Particles, heat: torch.Tensor, near: int, spread: float) -> torch.Tensor:
    """Place that answers for each particle, (B, M) int64, row * columns + column.

    Of the places at most ``near`` rows and columns from the particle's, and not nearer to another particle, it is the
    one of the highest logit, less what the Gaussian of the heat map falls off to there.
    """
    import torch

    rows, columns = heat.shape[1:3]
    first, second = p.u.floor().clamp(0, rows - 1), p.v.floor().clamp(0, columns - 1)  # (B, M)
    step = torch.arange(-near, near + 1, device=heat.device)
    down, across = (s.flatten() for s in torch.meshgrid(step, step, indexing="ij"))  # (W,)
    row, column = first[..., None] + down, second[..., None] + across  # (B, M, W)
    inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    far = (row[..., None] + 0.5 - p.u[:, None, None]).square() + (column[..., None] + 0.5 - p.v[:, None, None]).square()
    far = far.masked_fill(p.real[:, None, None] <= 0, torch.inf)  # (B, M, W, M)
    own = far.diagonal(dim1=1, dim2=3).movedim(2, 1)  # (B, M, W)
    free = inside & ((own <= far.amin(3)) | ((down == 0) & (across == 0)))
    cell = (row.clamp(0, rows - 1) * columns + column.clamp(0, columns - 1)).long()
    logit = heat[..., 0].detach().flatten(1).gather(1, cell.flatten(1)).view_as(cell)
    value = (logit - (down.square() + across.square()) / (2 * spread**2)).masked_fill(~free, -torch.inf)
    chosen: torch.Tensor = cell.gather(2, value.argmax(2, keepdim=True))[..., 0]
    return chosen


def _answers(heat: torch.Tensor, cell: torch.Tensor) -> _Answers:
    """Return the values of a map (B, R, C, K) at places (B, M)."""
    import torch

    columns = heat.shape[2]
    x = heat.flatten(1, 2).gather(1, cell[..., None].expand(-1, -1, heat.shape[3]))  # (B, M, K)
    row, column = cell // columns + 0.5 + x[..., 1], cell % columns + 0.5 + x[..., 2]
    centre = torch.stack([_DEPTH * (1.0 + x[..., 3]), row, column], dim=-1)
    sides = x[..., 4:10].clamp(-_LARGEST, _LARGEST)
    return _Answers(centre, sides, x[..., 10], x[..., 11], x[..., 12], x[..., 13], x[..., _ANSWERS:])


def _focal(logit: torch.Tensor, p: Particles, spread: float) -> torch.Tensor:
    """Focal loss of the heat map (B, R, C) for each particle (CornerNet, arXiv 1808.01244)."""
    import torch
    from torch.nn import functional

    rows, columns = logit.shape[1:]
    down = torch.arange(rows, device=logit.device) - p.u.floor().clamp(0, rows - 1)[..., None]  # (B, M, R)
    across = torch.arange(columns, device=logit.device) - p.v.floor().clamp(0, columns - 1)[..., None]
    squared = down.square()[..., None] + across.square()[:, :, None]  # (B, M, R, C)
    true = (torch.exp(-squared / (2 * spread**2)) * (p.real > 0)[..., None, None]).amax(1)  # (B, R, C)
    chance = logit.sigmoid()
    peak = (1.0 - chance).square() * functional.softplus(-logit)
    other = (1.0 - true).pow(4) * chance.square() * functional.softplus(logit)
    loss: torch.Tensor = torch.where(true >= 1.0, peak, other).sum() / (p.real > 0).sum().clamp(min=1)
    return loss


def _centre_error(answers: _Answers, p: Particles) -> torch.Tensor:
    """L1 error of the middle, (B, M), across in voxels, along the depth in units of ``_DEPTH``."""
    row, column, depth = answers.centre[..., 1] - p.u, answers.centre[..., 2] - p.v, answers.centre[..., 0] - p.depth
    error: torch.Tensor = row.abs() + column.abs() + depth.abs() / _DEPTH
    return error


def _box_error(answers: _Answers, p: Particles, boxes: torch.Tensor) -> torch.Tensor:
    """Mean L1 error of the logarithms of the six sides, and 1 - GIoU, (B, M)."""
    import torch

    middle = torch.stack([p.depth, p.u, p.v], dim=-1)
    size = torch.cat([middle - boxes[..., :3], boxes[..., 3:] - middle], dim=-1)
    sides = (answers.sides - size.clamp(min=0.1).log().clamp(-_LARGEST, _LARGEST)).abs().mean(-1)
    found = answers.boxes
    inner = torch.minimum(found[..., 3:], boxes[..., 3:]) - torch.maximum(found[..., :3], boxes[..., :3])
    outer = torch.maximum(found[..., 3:], boxes[..., 3:]) - torch.minimum(found[..., :3], boxes[..., :3])
    shared, hull = inner.clamp(min=0.0).prod(-1), outer.prod(-1).clamp(min=1e-6)
    union = (found[..., 3:] - found[..., :3]).prod(-1) + (boxes[..., 3:] - boxes[..., :3]).prod(-1) - shared
    return sides + 1.0 - shared / union.clamp(min=1e-6) + (hull - union) / hull


def _softmax(noise: Array, logit: Array) -> Array:
    """Shares of hits (H, K) of logits (H, K), beside the logit of noise (H,)."""
    result: Array = softmax(np.column_stack([noise, logit]), axis=1)[:, 1:]
    return result
