"""Blobs: groups of hits about the points of a lattice. Nothing in hitforge knows of them."""
