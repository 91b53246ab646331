"""Stages of a simulation: arrays in, arrays out; none of them is a plug-in."""
