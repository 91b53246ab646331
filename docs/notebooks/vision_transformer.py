# %% [markdown]
# # A vision transformer
#
# A transformer knows sequences of tokens, not images. A vision transformer makes tokens of an image: it cuts the image
# into patches, turns each into a vector by one matrix, adds a vector that is learned for each place, and lets all
# tokens attend to one another. It does not know that neighbouring pixels belong together, as a convolution does; it has
# to learn that, and that takes events.
#
# Here it looks for electrons among photons in a crystal calorimeter, beside a convolutional network and boosted trees,
# on a sample that is small, so that this page is made in a minute or two. The full figure: `hitforge run
# electron_photon/vit`, and [Results](../../results/) has it: even with the recipe's more than ten times as many events
# the transformer stays behind the convolutional networks and the trees. With few it cannot be expected to do better.
# This page as a file: [vision_transformer.py](vision_transformer.py).

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import hitforge as hf

RECIPE = "electron_photon/vit"
SIZE = {"train": 8000, "validation": 1000, "test": 5000}
temporary = tempfile.TemporaryDirectory()  # gone with the notebook; name a folder of your own to keep what is made
folder = Path(temporary.name)

# %%
dataset = hf.simulate(RECIPE, events=SIZE, samples=folder / "samples", progress=False)
print(dataset)

# %% [markdown]
# ## Patches are tokens
#
# The image has 8 x 32 crystals, the hottest in its middle, and three channels: the logarithm of the energy, the energy,
# and the time, weighted by energy. Here are the logarithms of one electron's energies, and the lines along which the
# image is cut into patches of 4 x 4. The numbers say in which order the tokens stand.

# %%
PATCH = 4
image = hf.representation(
    "image", "crystal_barrel", rows=8, columns=32, channels=["log_energy", "energy", "gated_time"]
)
batches = hf.batches(dataset, image, "classify", "test", batch_size=1000)
inputs, target = next(iter(batches))
pixels = inputs["image"]  # (events, rows, columns, channels)
one = pixels[np.flatnonzero(target == 1)[0], :, :, 0]
rows, columns = one.shape

figure, panel = plt.subplots(figsize=(10, 3.2), layout="constrained")
drawn = panel.imshow(one, origin="lower", extent=(0, columns, 0, rows), cmap="viridis")
for x in range(PATCH, columns, PATCH):
    panel.axvline(x, color="white")
panel.axhline(PATCH, color="white")
for token in range(rows * columns // PATCH**2):
    row, column = divmod(token, columns // PATCH)
    panel.text(
        column * PATCH + 0.3,
        row * PATCH + 0.3,
        token,
        color="white",
        va="bottom",
        backgroundcolor="#00000080",
        fontsize=8,
    )
panel.set(xlabel="crystals in φ", ylabel="crystals in η", title="an electron's image, and its patches")
figure.colorbar(drawn, label="channel 'log_energy'")
plt.show()

# %% [markdown]
# As the network gets them: each row is a token, with the numbers of its patch. Which hold anything at all?

# %%
count = len(pixels)
tokens = pixels.reshape(count, rows // PATCH, PATCH, columns // PATCH, PATCH, -1).swapaxes(2, 3)
tokens = tokens.reshape(count, rows * columns // PATCH**2, -1)
energy = pixels[..., 1].reshape(count, rows // PATCH, PATCH, columns // PATCH, PATCH).sum(axis=(2, 4))
share = (energy / energy.sum(axis=(1, 2), keepdims=True)).mean(axis=0)  # of each patch, mean of all events
print(f"{tokens.shape[1]} tokens of {tokens.shape[2]} numbers")

figure, panel = plt.subplots(figsize=(10, 3.0), layout="constrained")
drawn = panel.imshow(share, origin="lower", norm="log", extent=(0, columns, 0, rows), cmap="viridis")
for (row, column), value in np.ndenumerate(share):
    colour = "black" if value > 0.05 else "white"
    panel.text((column + 0.5) * PATCH, (row + 0.5) * PATCH, f"{value:.2g}", color=colour, ha="center", va="center")
panel.set(
    xlabel="crystals in φ", ylabel="crystals in η", title=f"mean share of the energy in a patch, {count:,} events"
)
figure.colorbar(drawn, label="share of the energy")
plt.show()

# %% [markdown]
# The core of the shower lies where four patches meet, and falls into few of them: within a patch one matrix has to
# describe it, for every place where the shower may be centred.
#
# ## Training
#
# The recipe's transformer of four blocks, a plain convolutional network and boosted trees, on the same events. The two
# networks have the same number of epochs.

# %%
run = hf.run(
    RECIPE,
    folder / "run",
    events=SIZE,
    settings={
        "label": "vision transformer",
        "training": {"epochs": 5, "batch_size": 128, "lr": 2e-3},
        "evaluation": {
            "baselines": ["boosted_trees"],
            "compare": [{"label": "CNN", "set": {"model": {"name": "plain_cnn", "widths": [16, 32, 64]}}}],
        },
    },
    samples=folder / "samples",
    progress=False,
)
run

# %%
hf.plot("roc_auc", run)

# %% [markdown]
# The paired differences: the AUC of the transformer less that of the other, on the same events. Below zero the
# transformer is behind.

# %%
for label, numbers in run.comparisons.items():
    difference = numbers["roc_auc_difference"]
    print(f"less {label:14} {difference.value:+.4f} [{difference.low:+.4f}, {difference.high:+.4f}]")

# %% [markdown]
# ## How it learns
#
# The loss on validation events after each epoch. Is the transformer done? If its curve still falls at the end, more
# epochs or more events would help it, and the table above says as much of the training as of the network.

# %%
figure, panel = plt.subplots(figsize=(7, 4), layout="constrained")
for label in ("vision transformer", "CNN"):
    history = np.genfromtxt(run[label].folder / "history.csv", delimiter=",", names=True)
    drawn = panel.plot(history["epoch"], history["validation_loss"], marker="o", label=f"{label}, validation")
    panel.plot(history["epoch"], history["train_loss"], linestyle=":", color=drawn[0].get_color(), label="training")
panel.set(xlabel="epoch", ylabel="cross entropy")
panel.legend()
plt.show()
