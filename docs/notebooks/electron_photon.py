# %% [markdown]
# # Electron or photon, in two frameworks
#
# An electron and a photon of 50 GeV make nearly the same shower in a crystal calorimeter. What differs is small: an
# electron bends in the field and radiates on its way through the tracker, and a photon may turn into a pair there. Here
# the same residual network looks for that in images of the crystals, trained once by Keras and once by PyTorch, beside
# boosted trees on shower shapes, all on the same events.
#
# The sample is small, so that this page is made in a minute or two. The full figure: `hitforge run
# electron_photon/keras_resnet`, and [Results](../../results/) has it. This page as a file:
# [electron_photon.py](electron_photon.py).

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import hitforge as hf

RECIPE = "electron_photon/keras_resnet"
SIZE = {"train": 10000, "validation": 1000, "test": 5000}
temporary = tempfile.TemporaryDirectory()  # gone with the notebook; name a folder of your own to keep what is made
folder = Path(temporary.name)

# %% [markdown]
# ## The events
#
# The recipe names the detector, a barrel of lead tungstate crystals behind a tracker in a field of 3.8 T, and a
# particle gun. Later the run takes this very sample, as both are told the same folder `samples`.

# %%
dataset = hf.simulate(RECIPE, events=SIZE, samples=folder / "samples", progress=False)
dataset

# %% [markdown]
# The first electron or positron and the first photon of the test events. Each square is a crystal; the energy is in
# colours. The second panel says which particle the energy came from: of a photon that has not turned into a pair there
# is only one.

# %%
events = dataset.events("test")
is_electron = np.abs(events.fields["primary_pdg"]) == 11
hf.display(dataset, int(np.flatnonzero(is_electron)[0]))

# %%
hf.display(dataset, int(np.flatnonzero(~is_electron)[0]))

# %% [markdown]
# ## What the network sees
#
# A representation turns events into arrays. This is the recipe's image, a window of 8 x 32 crystals about the hottest
# one; it is wider in azimuth, where the field spreads what an electron radiates. One event says little: here is the
# mean energy in each crystal over many.

# %%
image = hf.representation("image", "crystal_barrel", rows=8, columns=32, channels=["energy"], energy_scale=1.0)
pixels, target = next(iter(hf.batches(dataset, image, "classify", batch_size=10000)))
mean = {name: pixels["image"][target == i, :, :, 0].mean(axis=0) for i, name in enumerate(["photon", "electron"])}

figure, axes = plt.subplots(2, 1, figsize=(9, 5.2), sharex=True, layout="constrained")
for panel, (name, values) in zip(axes, mean.items(), strict=True):
    drawn = panel.imshow(
        np.maximum(values, 1e-3), norm="log", vmin=1e-3, vmax=50, extent=(-16, 16, -4, 4), origin="lower", aspect="auto"
    )
    panel.set(title=f"mean of {np.sum(target == list(mean).index(name)):,} images: {name}", ylabel="crystals in η")
axes[1].set_xlabel("crystals in φ from the hottest")
figure.colorbar(drawn, ax=axes, label="mean energy of a crystal [GeV]")
plt.show()

# %% [markdown]
# ## One network, two frameworks
#
# `hf.run` trains and measures each method of the recipe. `training.engine` alone decides between PyTorch and Keras:
# images, batches, loss, schedule of the learning rate and metrics are the same. The recipe compares the network that
# Keras has trained with one that PyTorch has trained, and with the trees.

# %%
run = hf.run(
    RECIPE,
    folder / "run",
    events=SIZE,
    settings={"label": "Keras", "training.epochs": 5, "training.batch_size": 128},
    samples=folder / "samples",
    progress=False,
)
run

# %% [markdown]
# In brackets stand intervals of 68.3 %. They hold the fluctuation of the test events, which all methods share; so
# whether two of them differ is asked of the paired difference, which is known better than either. Here it is the AUC of
# the network of Keras less that of the other. A second training with another seed would move it, too, and that is in no
# interval.

# %%
run.comparisons["PyTorch"]

# %%
run.comparisons["boosted trees"]

# %%
hf.plot("roc_auc", run)

# %% [markdown]
# ## What makes it hard
#
# A photon that turns into a pair in the tracker is two electrons, and looks like one. The simulation tells which did:
# the field `converted` of an event. The score is the probability of an electron that the network gives.

# %%
score, converted = run.predictions.score, events.fields["converted"].astype(bool)
kinds = {
    "photon, not converted": ~is_electron & ~converted,
    "photon, converted": ~is_electron & converted,
    "electron": is_electron,
}

figure, panel = plt.subplots(figsize=(7, 4), layout="constrained")
for name, chosen in kinds.items():
    label = f"{name}: {chosen.sum():,} events, median {np.median(score[chosen]):.2f}"
    panel.hist(score[chosen], bins=np.linspace(0, 1, 31), density=True, histtype="step", linewidth=1.8, label=label)
panel.set(xlabel="score of the network (Keras): probability of an electron", ylabel="events, normalised to one")
panel.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
plt.show()

# %% [markdown]
# The same question with converted photons and without: each AUC is that of electrons against the photons of one kind.

# %%
for name in ("photon, not converted", "photon, converted"):
    chosen = is_electron | kinds[name]
    auc = hf.measure("roc_auc", is_electron[chosen], score[chosen])["roc_auc"]
    print(f"electron against {name}: AUC {auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}]")
