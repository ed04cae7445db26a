"""`ModelCard`: what `card.json` says of a bundled or exported model. Every field is mandatory."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from imfuse.errors import ModelError


@dataclass(frozen=True)
class ModelCard:
    """What a model is, how it was made, and how to run it.

    Attributes:
        name: the name by which `Fuser.load` finds it.
        task: what it fuses, in words.
        remark: how far it was trained and what it is for, where that needs saying; else empty.
        network: its network and the options, such as `learned_pyramid(levels=5, width=16)`.
        sources: names of the sources in their order, such as `("infrared", "visible")`.
        symmetric: whether the order of the sources does not matter and any number from two up is taken at once.
        size_multiple: height and width must be multiples of this; the Fuser pads.
        margin: pixels beyond which the fused value of a pixel does not depend on the sources (receptive radius); None
            where it depends on the whole picture, which is then fused whole, never in tiles.
        equal_sources_error: largest change of a pixel, in 1/255, where all sources are the same picture: noise, a
            ramp, or black and white.
        parameters: number of trained values.
        macs_per_pixel: multiply-accumulate operations for one output pixel of a two-source input.
        data: names of the training data sets.
        licence: terms of the weights, and of the data they were trained on.
        recipe: file name of the recipe in `recipes/`.
        recipe_sha256: hash of the resolved recipe.
        metrics: `{test set: {metric: mean}}`, as measured by `benchmarks/quality.py`.
        sha256: hash of `model.onnx`.
    """

    name: str
    task: str
    remark: str
    network: str
    sources: tuple[str, ...]
    symmetric: bool
    size_multiple: int
    margin: int | None
    equal_sources_error: float
    parameters: int
    macs_per_pixel: int
    data: tuple[str, ...]
    licence: str
    recipe: str
    recipe_sha256: str
    metrics: dict[str, dict[str, float]]
    sha256: str

    @classmethod
    def read(cls, folder: Path) -> ModelCard:
        """Read `card.json` of a model folder.

        Raises:
            ModelError: the card is missing, is not JSON, or lacks or adds a field.
        """
        path = folder / "card.json"
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise ModelError(f"{folder}: no card.json; export the model with `imfuse export`") from error
        except (OSError, ValueError) as error:
            raise ModelError(f"{path}: not a readable JSON file ({error})") from error
        expected = {field.name for field in fields(cls)}
        if not isinstance(values, dict) or set(values) != expected:
            found = set(values) if isinstance(values, dict) else set()
            raise ModelError(
                f"{path}: missing fields {sorted(expected - found)}, unknown fields {sorted(found - expected)}; "
                "export the model again with this version of imfuse"
            )
        return cls(**{**values, "sources": tuple(values["sources"]), "data": tuple(values["data"])})

    def write(self, folder: Path) -> None:
        """Write `card.json` into a model folder."""
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"
        (folder / "card.json").write_text(text, encoding="utf-8")


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
