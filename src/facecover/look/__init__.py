"""What is in the photos, and what is wrong with them."""
