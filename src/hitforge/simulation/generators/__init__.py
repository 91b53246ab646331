"""Particles before the detector: guns, proton collisions of Pythia, minimum-bias interactions, pile-up."""
