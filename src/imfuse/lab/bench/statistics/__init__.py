"""What an evaluation says: means, ranks, their intervals over images, and which methods can be told apart."""

from __future__ import annotations

from imfuse.lab.bench.statistics.summary import Summary, summarise

__all__ = ["Summary", "summarise"]
