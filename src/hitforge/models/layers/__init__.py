"""Shared blocks of networks, PyTorch and Keras apart, so that a run imports only its own framework."""
