"""What the population looks like: the reference file, how it is fitted and what reads it."""
