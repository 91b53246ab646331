# %% [markdown]
# # The mass of a jet
#
# A heavy particle of high momentum that decays to two quarks is seen as one jet, and the mass of the jet tells which
# particle it was. The mass is measured well only if what does not belong to the decay is left out: other collisions of
# the same protons and what the beam's partons radiate add to it. Grooming, such as soft drop, cuts soft particles at
# large angles; a regression learns what to make of all particles.
#
# A regression has a vice that a mass formula does not have: where it is not sure, it answers with the mean of what it
# was shown, and so draws a peak where there is none. Here that is measured. Scalar particles of 40 to 200 GeV, even in
# the logarithm of the mass, decay to pairs of quarks in Pythia's collisions (extra `gen`); the jets are bare particles.
# There are few, so that this page is made in two minutes. The full figure, in a detector: `hitforge run jets/mass`, and
# [Jets](../../jets/#masses) tells how it is asked. This page as a file: [jet_mass.py](jet_mass.py).

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import hitforge as hf

SAMPLES = Path(tempfile.gettempdir()) / "hitforge_samples"  # shared by notebooks; each sample has its own folder there
temporary = tempfile.TemporaryDirectory()  # gone with the notebook; name a folder of your own to keep what is made

detector = hf.detector("point_cloud")
source = hf.source(
    "pythia_jets",
    detector,
    kinds=["scalar"],
    mass=[40, 200],
    pt=[400, 800],
    radius=1.0,
    spectrum="log",
    train=500,
    validation=60,
    test=500,
)
dataset = hf.simulate(source, samples=SAMPLES, workers=2, progress=False)
print(dataset)

# %% [markdown]
# ## Masses without a network
#
# The mass of the jet, and what soft drop leaves of it, over the true mass. The jet's own is too large, and its tail is
# long; soft drop takes much of that away, and sometimes too much.

# %%
events = dataset.events("test")
true, jets = events.fields["true_mass"], events.jets
energy, momentum = jets["energy"].astype(float), [jets[name].astype(float) for name in ("px", "py", "pz")]
masses = {
    "mass of the jet": np.sqrt(np.maximum(energy**2 - sum(p**2 for p in momentum), 0)),
    "soft-drop mass": jets["soft_drop_mass"],
}

figure, panel = plt.subplots(figsize=(7, 4), layout="constrained")
for name, values in masses.items():
    label = f"{name}, median {np.median(values / true):.2f}"
    panel.hist(values / true, np.linspace(0, 2.5, 51), histtype="step", linewidth=1.8, label=label)
panel.axvline(1, color="grey", linestyle="--")
panel.set(xlabel="mass over true mass", ylabel=f"jets of {len(true)}, per bin of 0.05")
panel.legend()
plt.show()

# %% [markdown]
# ## Three ways to find it
#
# The blocks of a recipe as a dict. The task `regress` asks for the logarithm of the true mass over the jet's own, so
# that a network which knows nothing gives the jet's mass. Beside ParticleNet stand the soft-drop mass, calibrated by a
# polynomial of it and of the jet's mass, and boosted trees on shapes of the jet. The recipe searches the settings of
# the calibration; for that the jets of this page are too few.

# %%
run = hf.run(
    {
        "title": "Mass of a scalar",
        "label": "ParticleNet",
        "detector": detector,
        "source": source,
        "representation": {
            "name": "constituents",
            "points": 48,
            "features": ["deta", "dphi", "delta_r", "log_pt", "log_energy", "log_pt_share", "log_energy_share"],
        },
        "model": {"name": "particle_net", "widths": [[16, 16], [32, 32]], "dense": 32},
        "task": {"name": "regress", "field": "true_mass", "reference": "jet_mass"},
        "training": {"epochs": 12, "batch_size": 32, "lr": 3e-3, "monitor": "mass_error"},
        "evaluation": {
            "metrics": [{"name": "value_response", "bins": 6, "min_events": 30, "along": []}],
            "baselines": [
                {"name": "jet_mass", "mass": "soft_drop", "beside": ["jet"], "degree": 3},
                {"name": "boosted_trees", "representation": {"name": "jet_features", "radius": 1.0}},
            ],
        },
    },
    Path(temporary.name) / "run",
    samples=SAMPLES,
    progress=False,
)
run

# %% [markdown]
# The table has the mean of abs(predicted / true - 1). It holds the tails; the width of the core, half of the central
# 68.3 % of predicted / true over its median, may order the methods differently. Last the differences of the mean
# errors, paired, on the same jets; below zero ParticleNet has the smaller one.

# %%
for label, method in run.methods.items():
    width = method.metrics["test.mass_sigma68"]
    print(f"width of {label:29} {width.value:.3f} [{width.low:.3f}, {width.high:.3f}]")
for label, numbers in run.comparisons.items():
    difference = numbers["mass_error_difference"]
    print(
        f"error of ParticleNet less {label:13}  {difference.value:+.4f} [{difference.low:+.4f}, {difference.high:+.4f}]"
    )

# %% [markdown]
# ## Response
#
# The median of predicted over true, and its width, in bins of the true mass. A flat line at one would be ideal.

# %%
hf.plot("value_response", run)

# %% [markdown]
# ## The pull to the mean
#
# Each answer beside the truth. The slope is that of log(predicted) over log(true), fitted by least squares. It is 1 for
# a measurement that is only smeared, and 0 for a method that always says the same.

# %%
figure, axes = plt.subplots(1, 3, figsize=(12, 4.2), sharex=True, sharey=True, layout="constrained")
ends = np.array([40.0, 200.0])
for panel, (label, method) in zip(axes, run.methods.items(), strict=True):
    truth, answer = (method.predictions.columns[f"{of}_mass"] for of in ("true", "predicted"))
    slope = method.metrics["test.mass_slope"]
    centre = np.exp(np.mean(np.log(truth))), np.exp(np.mean(np.log(answer)))
    panel.loglog(truth, answer, ".", color="#3f90da", markersize=3)
    panel.loglog(ends, ends, "--", color="grey", label="predicted = true")
    fitted = f"slope {slope.value:.2f} [{slope.low:.2f}, {slope.high:.2f}]"
    panel.loglog(ends, centre[1] * (ends / centre[0]) ** slope.value, color="#bd1f01", label=fitted)
    panel.set(title=label, xlabel="true mass [GeV]")
    panel.set_xticks([40, 60, 100, 200], labels=["40", "60", "100", "200"])
    panel.set_yticks([20, 40, 60, 100, 200, 400], labels=["20", "40", "60", "100", "200", "400"])
    panel.minorticks_off()
    panel.legend()
axes[0].set(ylabel="predicted mass [GeV]", ylim=(15, 500))
plt.show()

# %% [markdown]
# A slope is not the whole of it: of two methods of the same slope one may be far more exact, and dividing by the slope
# would stretch the errors, too. The lesson for an analysis is the range: train on masses beyond those that are to be
# measured, as a method that has learned where masses end errs to the inside there.
