"""Representations as points: rows of an event, padded to the fullest event of a batch.

``points`` (B, P, F) float32, the features of a point; ``position`` (B, P, 3); ``mask`` (B, P, 1), 1 where a point is
real; with a graph builder (``graphs``) ``neighbours`` (B, P, K) int32, indices along P; of jets ``momentum`` (B, P, 4)
[GeV]; ``summary`` (B, S), numbers about the whole event. ``labels`` name features, coordinates and the numbers of the
summary.
"""
