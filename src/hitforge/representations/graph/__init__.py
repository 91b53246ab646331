"""Representations as a graph of hits, flat over the H hits and E edges of the events of a batch.

``nodes`` (H, F) float32, ``layer``, ``event`` and ``kind`` (H,) int32; ``edges`` (E, G) float32, ``source`` and
``destination`` (E,) int32, indices along H. Further sets of edges over the same hits are called ``edges_1``,
``source_1``, ``destination_1``, and so on. Which hits are joined, the builders in ``edges`` say. ``labels`` name the
features of hits and edges.
"""
