"""The table of an evaluation as text, and everything that was measured as records."""
