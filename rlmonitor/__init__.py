"""See what a reinforcement-learning agent looks at while it learns."""
