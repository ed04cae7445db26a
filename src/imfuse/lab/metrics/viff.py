"""Class of visual information fidelity for fusion."""

from __future__ import annotations

from imfuse.lab.metrics import functional
from imfuse.lab.metrics.base import FusionMetric


class VisualInformationFidelityForFusion(FusionMetric):
    """Visual information fidelity for fusion (VIFF): each place counts for the source that is followed least."""

    name = "VIFF"
    function = staticmethod(functional.visual_information_fidelity_for_fusion)
    plot_lower_bound = 0.0
