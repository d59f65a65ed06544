"""What the formats of a run for people share, and what is said while it lasts."""
