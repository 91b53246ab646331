"""Stages of the simulation of a barrel: a tracker, crystals, and towers for hadrons behind them."""
