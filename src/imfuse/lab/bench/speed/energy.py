"""Energy, where the machine tells: the counters of Intel's and AMD's processors as Linux shows them (RAPL)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

COUNTERS = Path("/sys/class/powercap")


@dataclass
class EnergyMeter:
    """Joules of the whole processor between two readings.

    Args:
        folder: where the system shows its counters; only one that may be read counts.

    Example:
        >>> meter = EnergyMeter(Path("nowhere"))
        >>> meter.start()
        >>> meter.joules()
        nan
    """

    folder: Path = COUNTERS

    def start(self) -> None:
        """Begin to measure."""
        self._before = self._read()

    def joules(self) -> float:
        """Joules since `start`; NaN where the machine does not tell, as in most containers and virtual machines."""
        after = self._read()
        if not after or after.keys() != self._before.keys():
            return math.nan
        used = [(now - self._before[zone]) % (self._wrap(zone) + 1) for zone, now in after.items()]
        return sum(used) / 1e6

    def _read(self) -> dict[Path, int]:
        """Microjoules of each package; its cores, and the platform that it belongs to, would count it twice."""
        try:
            zones = [zone for zone in self.folder.glob("*-rapl:*") if _is_package(zone)]
            return {zone: int((zone / "energy_uj").read_text()) for zone in zones}
        except (OSError, ValueError):  # since 2020 most systems let only root read it
            return {}

    @staticmethod
    def _wrap(zone: Path) -> int:
        return int((zone / "max_energy_range_uj").read_text())


def _is_package(zone: Path) -> bool:
    return (zone / "name").read_text().startswith("package")
