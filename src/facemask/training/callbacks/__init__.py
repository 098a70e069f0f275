"""What happens after every epoch: rows and curves, checkpoints, and what the screen shows."""
