"""Showers: particles by the shares of the energy that they left in the hits of a calorimeter."""
