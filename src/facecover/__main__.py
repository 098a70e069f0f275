"""`python -m facecover`."""

from facecover.cli import main

if __name__ == "__main__":
    main()
