"""What the words of `imfuse eval` ask for; nothing is read but the names of models and folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imfuse.cli._usage import UsageError, check_output
from imfuse.errors import ModelError

if TYPE_CHECKING:
    from jsonargparse import Namespace

NAMED = {
    "detector_classes": "detector",
    "box_classes": "boxes",
    "segmenter_classes": "segmenter",
    "mask_classes": "masks",
}
"""Options that name classes, and the option whose classes they name."""


@dataclass(frozen=True)
class Request:
    """What decides a report, beside the files and the code.

    Attributes:
        sources: folders.
        fused: folders by the names of their methods.
        models: names or folders by the names of their methods.
        metrics: names, `common` and `all`.
        conventions: by metric.
        ranked: metrics of the mean rank, if they were named.
        title: of the report, if it was given.
        detector: ONNX file.
        layout: of its output.
        detector_classes: names of its classes.
        boxes: folder of labels for it.
        box_classes: names of the class numbers in them.
        segmenter: ONNX file or name.
        segmenter_classes: names of its classes.
        masks: folder of labels for it.
        mask_classes: names of the class numbers in them.
        speed: whether the speed of the models is measured apart.
    """

    sources: tuple[str, ...]
    fused: dict[str, str]
    models: dict[str, str]
    metrics: tuple[str, ...]
    conventions: dict[str, str]
    ranked: tuple[str, ...] | None
    title: str | None
    detector: str | None
    layout: str
    detector_classes: tuple[str, ...] | None
    boxes: str | None
    box_classes: tuple[str, ...] | None
    segmenter: str | None
    segmenter_classes: tuple[str, ...] | None
    masks: str | None
    mask_classes: tuple[str, ...] | None
    speed: bool

    def as_record(self) -> dict[str, Any]:
        """The request as JSON holds it."""
        return asdict(self)

    def places(self) -> Iterator[Path]:
        """Files and folders whose content decides the report; of weights, whether they are there does too."""
        from imfuse.lab.bench.class_files import CLASS_FILES

        yield from map(Path, (*self.sources, *self.fused.values(), *self.models.values()))
        yield from (Path(place) for place in (self.detector, self.segmenter) if place)
        for labels in (Path(place) for place in (self.boxes, self.masks) if place):
            yield labels
            yield from (labels.resolve().parent / name for name in CLASS_FILES)
        yield from self._weights()

    def _weights(self) -> Iterator[Path]:
        """Files of torchvision's weights that metrics and the segmenter read."""
        folder = _checkpoints()
        if {"lpips", "all"} & {name.casefold() for name in self.metrics}:
            yield from folder.glob("alexnet-*.pth")
        if self.segmenter and not Path(self.segmenter).is_file():
            yield from folder.glob(f"{escape(self.segmenter)}*.pth")


def read_request(arguments: Namespace) -> Request:
    """The request of a command line.

    Raises:
        UsageError: options that cannot be meant, or not together.
    """
    _check_tasks(arguments)
    if arguments.speed and not arguments.model:
        raise UsageError("--speed measures the models of --model, and none is given")
    if len(arguments.sources) < 2:
        raise UsageError(f"--sources {arguments.sources[0]}: one folder; give two or more, one a source")
    return Request(
        sources=tuple(arguments.sources),
        fused=_named("--fused", arguments.fused or (), _folder_name),
        models=models_by_name(arguments.model or ()),
        metrics=tuple(arguments.metrics or ("common",)),
        conventions=dict(_pair("--convention", word) for word in arguments.convention or ()),
        ranked=_optional(arguments.rank),
        title=arguments.title,
        detector=arguments.detector,
        layout=arguments.layout,
        detector_classes=_optional(arguments.detector_classes),
        boxes=arguments.boxes,
        box_classes=_optional(arguments.box_classes),
        segmenter=arguments.segmenter,
        segmenter_classes=_optional(arguments.segmenter_classes),
        masks=arguments.masks,
        mask_classes=_optional(arguments.mask_classes),
        speed=arguments.speed,
    )


def models_by_name(words: Sequence[str]) -> dict[str, str]:
    """Models by the names of their methods, as `--model` names them.

    Raises:
        UsageError: no such model, or a name twice.
    """
    return _named("--model", words, _model_name)


def report_folder(arguments: Namespace, request: Request) -> Path:
    """The folder of `-o`.

    Raises:
        UsageError: none is given, it is a file, or a folder of sources, fused images or labels.
    """
    taken = (*request.sources, *request.fused.values(), request.boxes, request.masks)
    report = check_output(
        Path(arguments.output) if arguments.output else None, [Path(place) for place in taken if place]
    )
    if report.exists() and not report.is_dir():
        raise UsageError(f"-o {report}: a file; a report needs a folder")
    return report


def _check_tasks(arguments: Namespace) -> None:
    for network, labels in (("detector", "boxes"), ("segmenter", "masks")):
        given, place = arguments[network], arguments[labels]
        if bool(given) != bool(place):
            missing = labels if given else network
            raise UsageError(f"--{network} and --{labels} go together, and --{missing} is not given")
        if place and not Path(place).is_dir():
            raise UsageError(f"--{labels} {place}: no such folder")
    if arguments.detector and not Path(arguments.detector).is_file():
        raise UsageError(f"--detector {arguments.detector}: no such file")
    for names, things in NAMED.items():
        if arguments[names] and not arguments[things]:
            raise UsageError(f"--{names.replace('_', '-')} names the classes of --{things}, which is not given")
    if arguments.segmenter_classes and not Path(arguments.segmenter).is_file():
        raise UsageError(
            f"--segmenter-classes names the classes of an ONNX file, and --segmenter {arguments.segmenter} is none; "
            "networks of torchvision carry their names"
        )


def _named(option: str, words: Sequence[str], name_of: Callable[[str], str]) -> dict[str, str]:
    """Places by name, from `NAME=PLACE` or `PLACE`.

    Raises:
        UsageError: a name twice, or an empty one.
    """
    found: dict[str, str] = {}
    for word in words:
        # A folder may have the sign in its name.
        name, place = _pair(option, word) if "=" in word and not Path(word).exists() else (name_of(word), word)
        if name in found:
            raise UsageError(f"{option}: two methods are called {name}; give one another name, as other={place}")
        found[name] = place
    return found


def _pair(option: str, word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    if not name or not value:
        raise UsageError(f"{option} {word}: expected NAME=VALUE")
    return name, value


def _folder_name(folder: str) -> str:
    return Path(folder).resolve().name


def _model_name(model: str) -> str:
    """The name on the card of a model folder, or the name itself.

    Raises:
        UsageError: no such model.
    """
    from imfuse.classical import METHODS
    from imfuse.runtime.card import ModelCard
    from imfuse.runtime.models import model_folder

    if model in METHODS:
        return model
    try:
        return ModelCard.read(model_folder(model)).name
    except ModelError as error:
        raise UsageError(f"--model {model}: {error}") from error


def _checkpoints() -> Path:
    """Where torch.hub keeps weights, told without the import, which takes seconds."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("TORCH_HOME", f"{cache}/torch")
    return Path(home).expanduser() / "hub" / "checkpoints"


def _optional(words: Sequence[str] | None) -> tuple[str, ...] | None:
    return tuple(words) if words else None
