"""Representations as images, (rows, columns, channels) of an event.

- ``image`` gives ``image`` (B, rows, columns, channels) float32, the cells around the seed of an event.
- ``jet_image`` gives the same of a jet, pixels of pseudorapidity and azimuth about its axis.
- ``shower_projections`` gives ``image`` (B, depths, width, 2), the projections of a volume on depth and u, depth and v,
  and beside it the hits, flat over the batch, as ``hitforge.representations.hits`` says.

``voxels`` gives an image too where its layers are to be channels. ``labels`` name the channels.
"""
