"""Every loss that a recipe can name: from a fused image and its sources to a scalar, lower is better.

The keyword arguments of an entry are the options that a recipe writes beside its weight.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from imfuse.lab.losses.against_sources import against_sources, with_sources
from imfuse.lab.losses.content_style import ContentStyleLoss
from imfuse.lab.losses.contrast import ContrastLoss, NearestIntensityLoss, SharpnessLoss
from imfuse.lab.losses.crossfuse import CrossFuseLoss
from imfuse.lab.losses.exposure import ExposednessLoss, MEFSSIMLoss
from imfuse.lab.losses.fidelity import (
    CorrelationDifferencesLoss,
    CorrelationLoss,
    EdgeTransferLoss,
    MSSSIMLoss,
    SSIMLoss,
    VisualInformationLoss,
)
from imfuse.lab.losses.fusiondn import FusionDNLoss
from imfuse.lab.losses.gradient import EdgePreservingLoss, GradientLoss, JointGradientLoss, MaxGradientLoss
from imfuse.lab.losses.haf import HAFLoss
from imfuse.lab.losses.halo import HaloLoss
from imfuse.lab.losses.intensity import IntensityLoss, MaxIntensityLoss, OutOfRangeLoss
from imfuse.lab.losses.perceptual import PerceptualLoss
from imfuse.lab.losses.pixel import CharbonnierLoss, MAELoss, MSELoss, SmoothL1Loss
from imfuse.lab.losses.sdnet import SDNetLoss
from imfuse.lab.losses.texture import TextureLoss
from imfuse.lab.losses.tim import TIMLoss, VisualLoss
from imfuse.lab.losses.total_variation import TotalVariationLoss

Loss = Callable[[Tensor, Tensor], Tensor]
"""From fused `(b, 1, h, w)` and sources `(b, n, h, w)` to a scalar."""

LOSSES: dict[str, Callable[..., Loss]] = {
    # Structure, edges, information: one minus a metric.
    "ssim": SSIMLoss,
    "ms_ssim": MSSSIMLoss,
    "edge_transfer": EdgeTransferLoss,
    "visual_information": VisualInformationLoss,
    "correlation_differences": CorrelationDifferencesLoss,
    "correlation": CorrelationLoss,
    # Pixels of a target.
    "mse": against_sources(MSELoss),
    "mae": against_sources(MAELoss),
    "smooth_l1": against_sources(SmoothL1Loss),
    "charbonnier": against_sources(CharbonnierLoss),
    "intensity": against_sources(IntensityLoss),
    "max_intensity": MaxIntensityLoss,
    # Gradients.
    "gradient": against_sources(GradientLoss),
    "edge_preserving": against_sources(EdgePreservingLoss),
    "joint_gradient": JointGradientLoss,
    "max_gradient": MaxGradientLoss,
    "total_variation": with_sources(TotalVariationLoss),
    # Features of a network.
    "perceptual": against_sources(PerceptualLoss),
    "texture": against_sources(TextureLoss),
    "content_style": with_sources(ContentStyleLoss, content=1, style=0),
    # Of published methods.
    "tim": TIMLoss,
    "visual": VisualLoss,
    "haf": HAFLoss,
    "sdnet": SDNetLoss,
    "crossfuse": CrossFuseLoss,
    "fusiondn": FusionDNLoss,
    # What the terms above would give away.
    "contrast": ContrastLoss,
    "sharpness": SharpnessLoss,
    "nearest_intensity": NearestIntensityLoss,
    "halo": HaloLoss,
    "out_of_range": OutOfRangeLoss,
    # Exposure stacks.
    "mef_ssim": MEFSSIMLoss,
    "exposedness": ExposednessLoss,
}
