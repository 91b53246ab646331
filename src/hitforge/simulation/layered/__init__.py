"""From particles to hits of a sampling calorimeter of layers: stages, arrays in, arrays out."""
