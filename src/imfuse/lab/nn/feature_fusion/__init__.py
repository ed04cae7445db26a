"""Blocks that join feature maps of layers or branches, by name.

Every block is made with the `channels` of its maps and is called with two or more maps `(b, channels, h, w)`, the
finest first; coarser ones are raised to its size. It returns `(b, channels, h, w)`.
"""

from __future__ import annotations

from imfuse.lab.nn.feature_fusion.aff import AFF, IterativeAFF
from imfuse.lab.nn.feature_fusion.attention import SoftChannelAttention, SoftSpatialAttention
from imfuse.lab.nn.feature_fusion.cost import cost, count_macs, count_parameters
from imfuse.lab.nn.feature_fusion.early_fusion import EarlyFusion
from imfuse.lab.nn.feature_fusion.hard_attention import HardAttention, HardSelection
from imfuse.lab.nn.feature_fusion.late_fusion import LateFusion
from imfuse.lab.nn.feature_fusion.ms_cam import MSCAM
from imfuse.lab.nn.feature_fusion.pyramid import FPN
from imfuse.lab.nn.feature_fusion.registry import FUSE, Fuse, build_fuse, pooling_blocks
from imfuse.lab.nn.feature_fusion.simple import Add, Concat, ParallelAdd
from imfuse.lab.nn.feature_fusion.squeeze_excitation import SE
from imfuse.lab.nn.feature_fusion.temporal_attention import TemporalAttention

__all__ = [
    "AFF",
    "FPN",
    "FUSE",
    "MSCAM",
    "SE",
    "Add",
    "Concat",
    "EarlyFusion",
    "Fuse",
    "HardAttention",
    "HardSelection",
    "IterativeAFF",
    "LateFusion",
    "ParallelAdd",
    "SoftChannelAttention",
    "SoftSpatialAttention",
    "TemporalAttention",
    "build_fuse",
    "cost",
    "count_macs",
    "count_parameters",
    "pooling_blocks",
]
