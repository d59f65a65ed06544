"""What the formats for people share: wrapping, tables, colour."""
