"""Searches that evaluate one genotype after another, against which a search by gradients is compared."""

from imfuse.lab.search.strategies.evolution import evolution
from imfuse.lab.search.strategies.random_search import random_search
from imfuse.lab.search.strategies.trial import Evaluate, Latency, Trial

STRATEGIES = {"random": random_search, "evolution": evolution}

__all__ = ["STRATEGIES", "Evaluate", "Latency", "Trial", "evolution", "random_search"]
