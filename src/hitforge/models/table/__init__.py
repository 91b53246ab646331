"""Networks on a table: ``features`` (B, F), numbers of an event, to (B, K), in PyTorch and in Keras."""
