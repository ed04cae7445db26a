"""Measuring: what is asked for, what was known before, fusing by models, and the values in processes of their own."""
