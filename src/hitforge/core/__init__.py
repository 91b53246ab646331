"""What every room stands on: errors, plug-in registry, configuration, random streams, files, provenance."""
