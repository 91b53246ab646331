# %% [markdown]
# # A first answer
#
# A network learns to tell electrons from photons on simulated images, and answers for real ones. Some minutes on a
# laptop.
#
# The real images are the public ML4SCI sample: `hitforge fetch electron_photon_sample` brings them into the folder
# `HITFORGE_DATA`. This page shows the code alone, as few have these images; the tests run it.

# %%
import hitforge as hf

SIZE = {"train": 40000, "validation": 2000, "test": 5000}
REAL = {"what": "electron_photon/electron-photon.npz", "reader": "ml4sci_npz"}

# %% [markdown]
# Electrons and photons of 50 GeV in a crystal barrel are simulated; the detector's cells and their energies are what a
# network will see.

# %%
dataset = hf.simulate("electron_photon/pretrain", events=SIZE)
dataset

# %%
hf.display(dataset, 3)

# %% [markdown]
# The recipe's network trains on them, and is measured on events that it has not seen.

# %%
run = hf.run("electron_photon/pretrain", "runs/first_answer", events=SIZE)
run

# %% [markdown]
# Its answers to the real images: the probability that each is an electron.

# %%
answers = run.answer(**REAL, detector="pixel_grid")
answers.score

# %% [markdown]
# How well it does on both, with 68.3 % intervals.

# %%
hf.plot("roc_auc", {"simulated": run.predictions, "real": answers})

# %%
hf.measure("roc_auc", answers)

# %% [markdown]
# `hitforge run electron_photon/ml4sci_sample` trains on the real images, from scratch and from the simulation, and
# [Results](../../results/) has what that gives.
