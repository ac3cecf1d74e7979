"""Detection: arithmetic on arrays, without clock, files or network."""
