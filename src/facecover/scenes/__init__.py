"""Every face in a photo: where it is, and whether it is covered."""
