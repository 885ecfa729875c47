"""Rounds and checkpoints on disk."""
