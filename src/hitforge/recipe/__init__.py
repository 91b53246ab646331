"""The recipe's language: blocks, overrides, sweeps, comparisons, checks."""
