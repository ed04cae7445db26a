"""Every metric by the name that tables give it, called alike: `METRICS[name](fused, sources)`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from imfuse.errors import MetricError
from imfuse.lab.metrics import functional
from imfuse.lab.metrics.functional.mef_ssim import mef_ssim

IMFUSE = "imfuse"
"""The convention that every metric has."""


@dataclass(frozen=True)
class Metric:
    """A metric as the tables know it.

    Attributes:
        name: as tables give it.
        title: the name in words.
        function: of `imfuse.lab.metrics.functional`.
        paper: where it comes from.
        inputs: `fused` for a metric of the fused image alone, `sources` for one of the fused image and its sources,
            `colour` for one of the fused image and the colour source, both `(b, 3, h, w)`.
        higher_is_better: which way is better.
        is_differentiable: whether it can be a loss.
        conventions: names that `convention=` takes; the first is imfuse's own.
        rewards_noise: whether noise in the fused image makes it better.
    """

    name: str
    title: str
    function: Callable[..., Tensor]
    paper: str
    inputs: Literal["fused", "sources", "colour"] = "sources"
    higher_is_better: bool = True
    is_differentiable: bool = True
    conventions: tuple[str, ...] = (IMFUSE,)
    rewards_noise: bool = False

    def __call__(self, fused: Tensor, sources: Tensor, convention: str = IMFUSE) -> Tensor:
        """One value an image.

        Args:
            fused: `(b, 1, h, w)`, or `(b, 3, h, w)` for a metric of colour.
            sources: `(b, n, h, w)`, or the colour source `(b, 3, h, w)` for a metric of colour.
            convention: one of `conventions`.

        Raises:
            MetricError: images that cannot be measured, or no such convention.
        """
        if convention not in self.conventions:
            raise MetricError(
                f"{self.name}: no convention {convention!r}; expected one of {', '.join(self.conventions)}"
            )
        options = {} if convention == IMFUSE else {"convention": convention}
        return self.function(fused, **options) if self.inputs == "fused" else self.function(fused, sources, **options)


_ALL = (
    Metric(
        "EN",
        "entropy",
        functional.entropy,
        "Roberts et al. 2008",
        "fused",
        is_differentiable=False,
        conventions=(IMFUSE, "clamped"),
        rewards_noise=True,
    ),
    Metric("SD", "standard deviation", functional.standard_deviation, "Rao 1997", "fused", rewards_noise=True),
    Metric(
        "SF",
        "spatial frequency",
        functional.spatial_frequency,
        "Eskicioglu and Fisher 1995",
        "fused",
        conventions=(IMFUSE, "over_hw"),
        rewards_noise=True,
    ),
    Metric(
        "AG",
        "average gradient",
        functional.average_gradient,
        "Cui et al. 2015",
        "fused",
        conventions=(IMFUSE, "over_hw"),
        rewards_noise=True,
    ),
    Metric(
        "CE",
        "cross entropy",
        functional.cross_entropy,
        "Bulanon, Burks and Alchanatis 2009",
        higher_is_better=False,
        is_differentiable=False,
    ),
    Metric(
        "MI",
        "mutual information",
        functional.mutual_information,
        "Qu, Zhang and Yan 2002",
        is_differentiable=False,
        conventions=(IMFUSE, "nats"),
    ),
    Metric(
        "NMI",
        "normalised mutual information",
        functional.normalized_mutual_information,
        "Hossny, Nahavandi and Creighton 2008",
        is_differentiable=False,
    ),
    Metric(
        "SCD",
        "sum of the correlations of differences",
        functional.sum_of_correlation_differences,
        "Aslantas and Bendes 2015",
    ),
    Metric("CC", "correlation coefficient", functional.correlation_coefficient, "Deshmukh and Bhosale 2010"),
    Metric(
        "VIF",
        "visual information fidelity",
        functional.visual_information_fidelity,
        "Sheikh and Bovik 2006",
        conventions=(IMFUSE, "off_centre"),
    ),
    Metric(
        "Qabf", "edge transfer", functional.edge_transfer, "Xydeas and Petrovic 2000", conventions=(IMFUSE, "atan2")
    ),
    Metric(
        "LABF",
        "edge loss",
        functional.edge_loss,
        "Petrovic and Xydeas 2005",
        higher_is_better=False,
        conventions=(IMFUSE, "kumar"),
    ),
    Metric(
        "Nabf",
        "edge artefacts",
        functional.edge_artefacts,
        "Shreyamsha Kumar 2013",
        higher_is_better=False,
        conventions=(IMFUSE, "petrovic", "kumar"),
    ),
    Metric(
        "SSIM",
        "structural similarity",
        functional.structural_similarity,
        "Wang et al. 2004",
        conventions=(IMFUSE, "sum", "unit_range"),
    ),
    Metric(
        "MS_SSIM",
        "structural similarity at five scales",
        functional.multiscale_structural_similarity,
        "Wang, Simoncelli and Bovik 2003",
        conventions=(IMFUSE, "sum"),
    ),
    Metric("MSE", "mean squared error", functional.mean_squared_error, "the usual definition", higher_is_better=False),
    Metric(
        "PSNR",
        "peak signal-to-noise ratio",
        functional.peak_signal_noise_ratio,
        "the usual definition",
        conventions=(IMFUSE, "peak_255"),
    ),
    Metric("MEF-SSIM", "structural similarity of exposure fusion", mef_ssim, "Ma, Zeng and Wang 2015"),
    Metric(
        "FMI_pixel",
        "mutual information of pixels in windows",
        functional.pixel_mutual_information,
        "Haghighat, Aghagolzadeh and Seyedarabi 2011",
        is_differentiable=False,
    ),
    Metric(
        "FMI_gradient",
        "mutual information of gradients in windows",
        functional.gradient_mutual_information,
        "Haghighat, Aghagolzadeh and Seyedarabi 2011",
        is_differentiable=False,
    ),
    Metric(
        "FMI_wavelet",
        "mutual information of wavelet bands in windows",
        functional.wavelet_mutual_information,
        "Haghighat and Razian 2014",
        is_differentiable=False,
    ),
    Metric(
        "FMI_DCT",
        "mutual information of cosine transforms in windows",
        functional.cosine_mutual_information,
        "Haghighat and Razian 2014",
        is_differentiable=False,
    ),
    Metric(
        "Qcb",
        "contrast preservation",
        functional.contrast_preservation,
        "Chen and Blum 2009",
        conventions=(IMFUSE, "toolbox"),
    ),
    Metric(
        "Qcv",
        "visible regional error",
        functional.regional_error,
        "Chen and Varshney 2007",
        higher_is_better=False,
        conventions=(IMFUSE, "toolbox"),
    ),
    Metric(
        "Qs",
        "quality index",
        functional.quality_index,
        "Piella and Heijmans 2003",
        conventions=(IMFUSE, "toolbox"),
    ),
    Metric(
        "Qw",
        "weighted quality index",
        functional.weighted_quality_index,
        "Piella and Heijmans 2003",
        conventions=(IMFUSE, "toolbox"),
    ),
    Metric("Qe", "edge-dependent quality index", functional.edge_quality_index, "Piella and Heijmans 2003"),
    Metric(
        "Qncie",
        "nonlinear correlation of all images",
        functional.nonlinear_correlation,
        "Wang, Shen and Zhang 2005",
        is_differentiable=False,
    ),
    Metric("Qm", "details kept at two scales", functional.multiscale_quality, "Wang and Liu 2008"),
    Metric(
        "VIFF",
        "visual information fidelity for fusion",
        functional.visual_information_fidelity_for_fusion,
        "Han, Cai, Cao and Xu 2013",
    ),
    Metric(
        "LPIPS",
        "learned perceptual distance",
        functional.perceptual_distance,
        "Zhang et al. 2018",
        higher_is_better=False,
    ),
    Metric(
        "hue error", "difference of hue in degrees", functional.hue_error, "imfuse", "colour", higher_is_better=False
    ),
)
METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
"""The usual names."""

COMMON = ("EN", "SD", "SF", "AG", "MI", "SCD", "VIF", "Qabf", "Nabf", "SSIM", "CC", "MSE", "PSNR")
"""What papers on infrared and visible fusion report most; measured unless others are asked for."""

RANKED = ("EN", "SD", "SF", "AG", "MI", "SCD", "VIF", "Qabf", "SSIM", "CC")
"""What the mean rank is taken over: the metrics of the field's usual tables.

Four of them (EN, SD, SF, AG) reward noise, so that a noisier copy of a method has a better mean rank than the method;
the tables give a second mean rank that leaves these out.
"""
