# %% [markdown]
# # Quark or gluon
#
# A jet is the spray of particles into which a quark or a gluon of high momentum turns. A gluon radiates more, as its
# colour charge is larger: its jets have more particles, and are wider. Here both are looked at one by one, and then all
# together, by boosted trees on shapes of the jet and by a graph network on its particles.
#
# The jets come from Pythia's collisions (extra `gen`), as bare particles without a detector. There are few of them, so
# that this page is made in two minutes. The full figure: `hitforge run jets/quark_gluon`, and [Jets](../../jets/) has
# it. This page as a file: [quark_gluon.py](quark_gluon.py).

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import hitforge as hf

RECIPE = "jets/quark_gluon"
SIZE = {"train": 500, "validation": 60, "test": 500}
JETS = {"source.pt": [300, 800]}  # a wider range than the recipe's: more of the collisions give a jet
SAMPLES = Path(tempfile.gettempdir()) / "hitforge_samples"  # shared with the notebook on graph networks
temporary = tempfile.TemporaryDirectory()  # gone with the notebook; name a folder of your own to keep what is made

# %% [markdown]
# ## The jets
#
# There are as many quarks as gluons, and as many of each in every part of the range of transverse momentum and of
# pseudorapidity, so that neither tells them apart. Two processes generate the collisions.

# %%
dataset = hf.simulate(RECIPE, events=SIZE, settings=JETS, samples=SAMPLES, workers=2, progress=False)
events = dataset.events("test")
is_quark = events.fields["jet_label"] == 1
kinds = {"gluon": ~is_quark, "quark": is_quark}
colours = {"gluon": "#bd1f01", "quark": "#3f90da"}
print({name: int(chosen.sum()) for name, chosen in kinds.items()}, "jets to test on")

# %% [markdown]
# Of either kind the jet whose number of particles is nearest to the median of its kind. The area of a circle is the
# transverse momentum of a particle, and the large circle is the jet's radius.

# %%
task = hf.task("classify", "point_cloud", field="jet_label", classes={"gluon": [0], "quark": [1]}, signal="quark")
cloud = hf.representation("constituents", "point_cloud", points=256)
points, _ = next(iter(hf.batches(dataset, cloud, task, "test", batch_size=len(events))))
number = events.constituents.counts

figure, axes = plt.subplots(1, 2, figsize=(9, 4.4), sharex=True, sharey=True, layout="constrained")
for panel, (name, chosen) in zip(axes, kinds.items(), strict=True):
    jet = np.flatnonzero(chosen)[np.argmin(abs(number[chosen] - np.median(number[chosen])))]
    place, pt = points["position"][jet], np.hypot(*points["momentum"][jet, :, :2].T)
    panel.scatter(place[:, 0], place[:, 1], s=6 * pt, color=colours[name], alpha=0.6, linewidth=0)
    panel.add_patch(plt.Circle((0, 0), 0.4, fill=False, linestyle="--", color="grey"))
    panel.set(
        title=f"{name}: {number[jet]} particles, {pt.sum():.0f} GeV", xlabel="Δη to the jet's axis", aspect="equal"
    )
axes[0].set_ylabel("Δφ to the jet's axis [rad]")
plt.show()

# %% [markdown]
# ## What tells them apart
#
# `jet_features` makes a table of shapes. Three of them: the number of particles; the width, which is the mean distance
# of the particles from the axis, weighted by transverse momentum; and pTD, which is large where few particles carry
# most of it.

# %%
shapes = hf.batches(dataset, hf.representation("jet_features", "point_cloud"), task, "test", batch_size=len(events))
table = next(iter(shapes))[0]["features"]
column = {name: table[:, shapes.labels["features"].index(name)] for name in ("constituents", "width", "ptd")}

figure, axes = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
for panel, (name, values) in zip(axes, column.items(), strict=True):
    bins = np.linspace(values.min(), np.quantile(values, 0.995), 21)
    for kind, chosen in kinds.items():
        panel.hist(values[chosen], bins, density=True, histtype="step", linewidth=1.8, color=colours[kind], label=kind)
    label = {"constituents": "number of particles", "width": "width in η and φ", "ptd": "pTD"}[name]
    panel.set(xlabel=label, ylabel="jets, normalised to one")
axes[0].legend()
plt.show()

# %% [markdown]
# Each shape is a classifier already: cut on it. Its AUC is the probability that a quark and a gluon, drawn at random,
# stand on the right sides of each other. Quarks have the smaller number and width, and the larger pTD.

# %%
cuts = {"number of particles": -column["constituents"], "width": -column["width"], "pTD": column["ptd"]}
for name, score in cuts.items():
    auc = hf.measure("roc_auc", is_quark, score)["roc_auc"]
    print(f"{name:20} AUC {auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}]")

# %% [markdown]
# ## All shapes together, and none
#
# Boosted trees get all shapes of the table. ParticleNet gets the particles and has to find such shapes by itself, of
# few jets here; it is smaller than the recipe's, and its graph is the subject of [another
# notebook](../graph_networks/).

# %%
run = hf.run(
    RECIPE,
    Path(temporary.name) / "run",
    events=SIZE,
    settings={
        **JETS,
        "label": "ParticleNet",
        "representation.points": 32,
        "model": {"name": "particle_net", "widths": [[16, 16], [32, 32]], "dense": 32},
        "training": {"epochs": 12, "batch_size": 32, "lr": 3e-3},
        "evaluation": {"baselines": [{"name": "boosted_trees", "representation": {"name": "jet_features"}}]},
    },
    samples=SAMPLES,
    progress=False,
)
run

# %%
trees = run["boosted trees"].predictions
one_cut = is_quark, cuts["number of particles"]
hf.plot("roc_auc", {"number of particles": one_cut, "ParticleNet": run.predictions, "boosted trees": trees})

# %% [markdown]
# The right panel has the rejection: of how many gluons one is taken for a quark, for each share of the quarks that is
# kept. At half of the quarks:

# %%
for label, predictions in {"ParticleNet": run.predictions, "boosted trees": trees}.items():
    kept = hf.measure("background_efficiency", predictions)["background_efficiency.at_0.50"]
    print(f"{label:14} one gluon in {1 / kept.value:.1f} [{1 / kept.high:.1f}, {1 / kept.low:.1f}]")

# %% [markdown]
# Is the network better or worse than the trees? Both answer for the same jets, so their difference is known better than
# either AUC. With a test as small as this, look whether its interval holds zero. It does not hold what another training
# would give.

# %%
run.comparisons["boosted trees"]

# %% [markdown]
# The trees begin with shapes that physicists found over decades. A network that begins with particles has to find them
# itself, and the jets here are few for that. How near it comes with the recipe's forty times as many,
# [Jets](../../jets/) tells.
