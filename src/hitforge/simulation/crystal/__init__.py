"""From particles to hits of a crystal calorimeter behind a tracker: stages, arrays in, arrays out."""
