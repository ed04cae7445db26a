"""Invented scenes: a visible and an infrared image of one street or park, with exact masks, boxes and registration."""

from __future__ import annotations

from imfuse.scenes.labels import Box, Label
from imfuse.scenes.scene import Scene, simulate

__all__ = ["Box", "Label", "Scene", "simulate"]
