"""Evaluation beside other methods: measured values, statistics, task scores, speed, and the report that shows them."""
