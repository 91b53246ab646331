"""``python -m hitforge``: the command line."""

from hitforge.cli import main

if __name__ == "__main__":  # worker processes import this file
    main()
