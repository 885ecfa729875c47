"""The parts of ``rlmonitor``, one module a command: thin shells that import torch when they run."""
