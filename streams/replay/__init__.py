"""Replay: the four stages in one process, over a file or a range of the request topic."""
