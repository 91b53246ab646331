"""Runs: from a recipe to a folder with the answers and the numbers of every method."""
