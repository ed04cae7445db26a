"""`LatencyTable`: how long a network takes, from measured times of its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from imfuse.lab.nn.genotype import Genotype
from imfuse.lab.nn.haf_genotype import HAFGenotype
from imfuse.lab.search.engines import device_name, engine_version
from imfuse.lab.search.haf_space import HAFSpace
from imfuse.lab.search.latency_cache import LatencyCache, cache_path, conditions_of
from imfuse.lab.search.measuring import measure_call, measure_network, measure_overhead, measure_parts
from imfuse.lab.search.parts import Part, parts
from imfuse.lab.search.space import Space
from imfuse.lab.search.target import Target
from imfuse.lab.search.terms import space_parts

__all__ = ["LatencyTable", "measure_call", "measure_network"]

FUSER = "fuser"


class LatencyTable:
    """Milliseconds of the parts of networks on one target, measured when first asked for and kept in a file.

    The time of a network is the sum over its parts. All are measured at the target's size raised to a multiple of 32,
    whatever multiple a single network needs.

    Args:
        target: where the networks are to run.
        cache: file of the times; None takes one in the user's cache folder, named by device, engine, threads and size.

    Raises:
        SearchError: when a time is asked for, and the target's device is not there.
    """

    def __init__(self, target: Target, cache: Path | None = None) -> None:
        self.target = target
        conditions = conditions_of(target, engine_version(target), device_name(target))
        self.cache = LatencyCache(cache or cache_path(conditions), conditions)

    def milliseconds(self, part: Part) -> float:
        """Of one part."""
        self.measure([part])
        return self.cache.times[str(part)]

    def predict(self, genotype: Genotype | HAFGenotype) -> float:
        """Milliseconds of the network of a genotype: the sum over its parts."""
        found = parts(genotype)
        self.measure(found)
        return sum(map(self.milliseconds, found))

    def predict_call(self, genotype: Genotype | HAFGenotype) -> float:
        """Milliseconds of a whole call of the Fuser, from a grey and a colour picture to a colour picture."""
        return self.predict(genotype) + self.fuser_overhead()

    def fuser_overhead(self) -> float:
        """Milliseconds that the Fuser adds to any network."""
        if FUSER not in self.cache.times:
            self.cache.put({FUSER: measure_overhead(self.target)})
        return self.cache.times[FUSER]

    def measure_all(self, space: Space | HAFSpace, advance: Callable[[], None] = lambda: None) -> None:
        """Measure what is missing of all networks of a space.

        Args:
            space: whose parts are measured.
            advance: called after each part that is measured; `missing(space)` tells how many there are.
        """
        self.measure(space_parts(space), advance)

    def missing(self, space: Space | HAFSpace) -> int:
        """How many parts of a space are not measured yet."""
        return len(self._missing(space_parts(space)))

    def measure(self, wanted: Iterable[Part], advance: Callable[[], None] = lambda: None) -> None:
        """Measure what is missing of some parts; each is kept as soon as it is there.

        Raises:
            SearchError: the target's device is not there.
        """
        for part, time in measure_parts(self._missing(wanted), self.target):
            self.cache.put({str(part): time})
            advance()

    def _missing(self, wanted: Iterable[Part]) -> list[Part]:
        return [part for part in dict.fromkeys(wanted) if str(part) not in self.cache.times]
