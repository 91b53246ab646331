"""What stands behind ``import hitforge as hf``: each public name is a function or class of a file of this room."""
