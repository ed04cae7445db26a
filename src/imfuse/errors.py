"""Every error that imfuse raises on purpose: it says what was found, what was expected and what to do."""

from __future__ import annotations


class ImfuseError(Exception):
    """Base of all errors that imfuse raises on purpose; catch it to catch them all."""


class ImageReadError(ImfuseError):
    """A file is missing, unreadable, truncated, not an image, or larger than the limit."""


class ImageWriteError(ImfuseError):
    """A picture cannot be written: no permission, unknown format, or a depth the format cannot hold."""


class SourceError(ImfuseError):
    """Sources that do not go together: too few, unequal sizes, unknown names, wrong type or values."""


class PairingError(ImfuseError):
    """Files across folders that cannot be matched: no common stem, an ambiguous stem, a bad pattern."""


class ModelError(ImfuseError):
    """An unknown model, or a model folder whose card or weights are missing or damaged."""


class AlignmentError(ImfuseError):
    """A registration that was refused because it did not improve the match of the sources."""


class VideoError(ImfuseError):
    """A video that cannot be opened, decoded or encoded."""


class RecipeError(ImfuseError):
    """A recipe with an unknown field, a wrong type, or data that is not there."""


class TrainingError(ImfuseError):
    """A training that had to stop: a non-finite value, or a checkpoint that does not fit the recipe."""


class SearchError(ImfuseError):
    """A search that cannot go on: no network within the budget, or trials that belong to another search."""


class MissingExtraError(ImfuseError):
    """A feature whose optional dependency is not installed; the text names the extra to install."""


class MetricError(ImfuseError):
    """Images that a metric cannot measure."""


class EvaluationError(ImfuseError):
    """An evaluation that cannot be made or written."""
