"""Other explanations under LRP's interface, and how far any explanation may be believed."""

from rlmonitor.explain.baselines import METHODS, Method, explain

__all__ = ["METHODS", "Method", "explain"]
