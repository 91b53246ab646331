# %% [markdown]
# # Two graph networks
#
# A jet, an event in a detector, anything that is a set of points can be made a graph: each point is a node, and edges
# join it to its neighbours. A graph network passes messages along the edges. What are neighbours? The nearest in space
# would be a first answer; both networks of this page go further and find neighbours in spaces that they learn.
#
# - **ParticleNet** (arXiv 1902.08570): layers look at each edge, that is at a point and its difference to a neighbour,
#   and the point takes the mean over its edges. In the first block neighbours are the nearest in space; in the second
#   the nearest in the features that the first has made. The graph is *dynamic*.
# - **GravNet** (arXiv 1902.07987): one layer gives each point coordinates in a small space of its own, another the
#   features to pass on. A point receives the mean and the maximum of those of its nearest, weighted by exp(-10 d²): the
#   nearer, the more.
#
# The question is whether a jet comes from a quark or a gluon, as in [the notebook on it](../quark_gluon/), with the
# same small sample. The full figure of ParticleNet: `hitforge run jets/quark_gluon`, and [Jets](../../jets/) has it;
# GravNet stands there with `--set model.name=gravnet`. On calorimeters `hitforge run hgcal/graphs` compares ways to
# build graphs. This page as a file: [graph_networks.py](graph_networks.py).

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

import hitforge as hf

RECIPE = "jets/quark_gluon"
SIZE = {"train": 500, "validation": 60, "test": 500}
JETS = {"source.pt": [300, 800]}  # a wider range than the recipe's: more of the collisions give a jet
SAMPLES = Path(tempfile.gettempdir()) / "hitforge_samples"  # shared with the notebook on quarks and gluons
temporary = tempfile.TemporaryDirectory()  # gone with the notebook; name a folder of your own to keep what is made

dataset = hf.simulate(RECIPE, events=SIZE, settings=JETS, samples=SAMPLES, workers=2, progress=False)
print(dataset)

# %% [markdown]
# ## A jet as a graph
#
# The nodes are the particles of one jet, at their places about its axis; the area of a circle is the transverse
# momentum. It is the widest jet of the test, so that the nodes can be seen apart. Each particle is joined to its
# nearest others. Arrows would be right: that j is among the nearest of i does not make i one of the nearest of j.

# %%
NEIGHBOURS, POINTS = 7, 32


def nearest(place, count=NEIGHBOURS):
    """The nearest others of each point: (P, dimensions) to (P, count)."""
    distance = np.linalg.norm(place[:, None] - place[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    return np.argsort(distance, axis=1)[:, :count]


def draw(panel, place, pt, neighbours, title, strength=None):
    """Draw nodes, and the edges to the neighbours (P, K); strength (P, K) is how opaque they are."""
    for i, row in enumerate(neighbours):
        for k, j in enumerate(row):
            alpha = 0.35 if strength is None else float(strength[i, k])
            panel.plot(*place[[i, j]].T, color="#717581", linewidth=0.8, alpha=alpha, zorder=1)
    panel.scatter(*place.T, s=4 * pt, color="#3f90da", edgecolor="white", linewidth=0.5, alpha=0.8, zorder=2)
    panel.set(title=title, xlabel="Δη to the jet's axis", ylabel="Δφ to the jet's axis [rad]")


cloud = hf.representation("constituents", "point_cloud", points=POINTS)
task = hf.task("classify", "point_cloud", field="jet_label", classes={"gluon": [0], "quark": [1]}, signal="quark")
inputs, _ = next(iter(hf.batches(dataset, cloud, task, "test", batch_size=500)))
pt = np.hypot(inputs["momentum"][..., 0], inputs["momentum"][..., 1])  # (jets, particles) [GeV]
away = np.linalg.norm(inputs["position"], axis=2)
jet = int(np.argmax((pt * away).sum(axis=1) / pt.sum(axis=1)))
real = inputs["mask"][jet, :, 0] == 1  # jets of fewer particles are padded with zeros
place, pt = inputs["position"][jet, real, :2], pt[jet, real]
in_space = nearest(place)

figure, panel = plt.subplots(figsize=(6, 5), layout="constrained")
draw(panel, place, pt, in_space, f"{len(place)} particles, each joined to its {NEIGHBOURS} nearest in space")
plt.show()

# %% [markdown]
# ## Training both
#
# Small versions of both, on the 32 particles of highest momentum, with equally many epochs. GravNet stands as a
# comparison of the same run, so that both answer for the same jets.

# %%
run = hf.run(
    RECIPE,
    Path(temporary.name) / "run",
    events=SIZE,
    settings={
        **JETS,
        "label": "ParticleNet",
        "representation.points": POINTS,
        "model": {"name": "particle_net", "widths": [[16, 16], [32, 32]], "neighbours": NEIGHBOURS, "dense": 32},
        "training": {"epochs": 12, "batch_size": 32, "lr": 3e-3},
        "evaluation": {
            "baselines": [],
            "compare": [
                {
                    "label": "GravNet",
                    "set": {"model": {"name": "gravnet", "width": 32, "passed": 16, "neighbours": NEIGHBOURS}},
                }
            ],
        },
    },
    samples=SAMPLES,
    progress=False,
)
run

# %%
hf.plot("roc_auc", run)

# %% [markdown]
# The paired difference, ParticleNet less GravNet. If its interval holds zero, these jets do not tell which is better;
# if it does not, another seed of the training may still turn it.

# %%
run.comparisons["GravNet"]

# %% [markdown]
# ## Which neighbours did they choose?
#
# The same jet, with the edges that the trained networks use in their second blocks, drawn at the particles' places. Of
# ParticleNet they are the nearest in the features behind its first block, of GravNet the nearest in its own space of
# four dimensions; there an edge is as dark as its weight.

# %%
batch, _ = next(iter(hf.batches(dataset, run.representation, run.task, "test", batch_size=500, to="torch")))
spaces = {}


def keep(name):
    """Keep what a layer gives for the jet."""

    def hook(layer, given, output):
        spaces[name] = output[jet].float().numpy()[real]

    return hook


networks = {label: run[label].trained.method.engine.network.cpu().eval() for label in ("ParticleNet", "GravNet")}
networks["ParticleNet"].blocks[0].register_forward_hook(keep("ParticleNet"))
networks["GravNet"].blocks[1].coordinates.register_forward_hook(keep("GravNet"))
with torch.no_grad():
    for network in networks.values():
        network(**batch)

figure, axes = plt.subplots(1, 2, figsize=(11, 4.8), sharey=True, layout="constrained")
for panel, (label, space) in zip(axes, spaces.items(), strict=True):
    chosen = nearest(space)
    distance = np.linalg.norm(space[:, None] - space[chosen], axis=2)
    strength = np.exp(-10 * distance**2) if label == "GravNet" else None
    draw(panel, place, pt, chosen, f"{label}, second block", strength)
plt.show()

# %% [markdown]
# How many of these edges are among the first ones, to the nearest in space, and how long are they? Edges that are not
# among the first join particles that are alike to the network, though others are nearer.

# %%
for label, chosen in {"in space": in_space, **{label: nearest(space) for label, space in spaces.items()}}.items():
    shared = np.mean([np.isin(row, first).mean() for row, first in zip(chosen, in_space, strict=True)])
    length = np.linalg.norm(place[:, None] - place[chosen], axis=2)
    print(f"{label:12} {shared:4.0%} of the edges in space, median length {np.median(length):.3f}")
