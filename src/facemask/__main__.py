"""`python -m facemask`."""

from facemask.cli import main

if __name__ == "__main__":
    main()
