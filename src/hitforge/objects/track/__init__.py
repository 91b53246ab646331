"""Tracks: charged particles by the hits that they left in a tracker."""
