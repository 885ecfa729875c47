"""What the relevance says: pooled numbers and events."""
