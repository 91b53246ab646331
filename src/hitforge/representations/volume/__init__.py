"""Representations as volumes, (layers, rows, columns, channels) of an event.

- ``voxels`` gives ``volume`` (B, layers, rows, columns, channels) float32 around the axis of one shower, or with
  ``layout: channels`` an ``image`` (B, rows, columns, layers * channels), and ``summary`` (B, S), numbers about the
  whole event.
- ``shower_voxels`` gives ``volume`` of the region of interest, and beside it the hits, flat over the batch, as
  ``hitforge.representations.hits`` says, with ``place`` in voxels.

``labels`` name the channels and the numbers of the summary.
"""
