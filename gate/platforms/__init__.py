"""What is told that a release has ended, and asked to go back: one file each."""
