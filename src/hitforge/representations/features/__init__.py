"""Representations as a table: ``features`` (B, F) float32, numbers of an event whose names ``labels`` says."""
