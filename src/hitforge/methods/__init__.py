"""Methods: networks and classical algorithms behind one interface; whole events in tiles."""
