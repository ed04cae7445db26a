"""Names of classes, and how the classes of labels and of a network find each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from imfuse.errors import EvaluationError
from imfuse.lab.bench.class_files import CLASS_FILES

_COCO = (
    "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,parking meter,"
    "bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,tie,suitcase,frisbee,"
    "skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,tennis racket,bottle,wine glass,"
    "cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,couch,"
    "potted plant,bed,dining table,toilet,tv,laptop,mouse,remote,keyboard,cell phone,microwave,oven,toaster,sink,"
    "refrigerator,book,clock,vase,scissors,teddy bear,hair drier,toothbrush"
)
COCO = tuple(_COCO.split(","))
"""The 80 classes of COCO in the order in which detectors number them."""

ALIASES = {
    "people": "person",
    "pedestrian": "person",
    "human": "person",
    "motorbike": "motorcycle",
    "motor": "motorcycle",
    "bike": "bicycle",
    "aeroplane": "airplane",
    "tvmonitor": "tv",
    "sofa": "couch",
    "diningtable": "dining table",
    "pottedplant": "potted plant",
}
"""Other words for COCO's classes, in the sets of infrared and visible images and in Pascal VOC."""


def plain_name(name: str) -> str:
    """The one spelling of a class under which names are compared.

    Example:
        >>> plain_name("People"), plain_name("traffic_light"), plain_name("__background__")
        ('person', 'traffic light', 'background')
    """
    words = " ".join(name.casefold().replace("_", " ").replace("-", " ").split())
    return ALIASES.get(words, words)


@dataclass(frozen=True)
class SharedClasses:
    """The classes that labels and network share.

    Attributes:
        names: of the shared classes, as the labels name them.
        from_labels: class number of the labels to index in `names`.
        from_network: index of the network's class to index in `names`.
        unknown: names of labelled classes that the network does not know.
    """

    names: tuple[str, ...]
    from_labels: Mapping[int, int]
    from_network: Mapping[int, int]
    unknown: tuple[str, ...]


def share_classes(names: Sequence[str], used: Iterable[int], known: Sequence[str]) -> SharedClasses:
    """Match the classes of labels with those of a network by `plain_name`.

    Several names of one class, such as people and pedestrian, become the first of them.

    Args:
        names: of the class numbers of the labels.
        used: class numbers that occur.
        known: names of the network's classes.

    Example:
        >>> share_classes(("people", "car", "lamp"), (0, 1, 2), ("person", "bicycle", "car")).from_network
        {0: 0, 2: 1}
    """
    used = sorted(used)
    plain_known = {plain_name(name) for name in known}
    shared: dict[str, str] = {}
    for number in used:
        if plain_name(names[number]) in plain_known:
            shared.setdefault(plain_name(names[number]), names[number])
    places = {plain: index for index, plain in enumerate(shared)}
    return SharedClasses(
        tuple(shared.values()),
        {number: places[plain_name(names[number])] for number in used if plain_name(names[number]) in places},
        {index: places[plain_name(name)] for index, name in enumerate(known) if plain_name(name) in places},
        tuple(names[number] for number in used if plain_name(names[number]) not in places),
    )


def name_unknown(names: Iterable[str], known: Iterable[str]) -> str:
    """Names that a network does not know, each with the nearest one that it does, if any is near.

    Example:
        >>> name_unknown(("persn", "lamp"), ("person", "car"))
        'persn (did you mean person?), lamp'
    """
    plain = {plain_name(name): name for name in known}
    spellings = plain | {word: word for word, meant in ALIASES.items() if meant in plain}
    near = ((name, get_close_matches(plain_name(name), spellings, 1, 0.75)) for name in names)
    return ", ".join(f"{name} (did you mean {spellings[match[0]]}?)" if match else name for name, match in near)


def find_class_names(folder: Path) -> tuple[str, ...] | None:
    """The names in `classes.txt`, `obj.names` or `labels.txt` of the folder or its parent, if there is one.

    Raises:
        EvaluationError: the file holds no names, or cannot be read.
    """
    places = (place / name for place in (folder, folder.resolve().parent) for name in CLASS_FILES)
    path = next((path for path in places if path.is_file()), None)
    if path is None:
        return None
    names = tuple(line.strip() for line in read_lines(path) if line.strip())
    if not names:
        raise EvaluationError(f"{path}: holds no names; expected one a line, in the order of the class numbers")
    return names


def read_lines(path: Path) -> list[str]:
    """The lines of a text file.

    Raises:
        EvaluationError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path}: cannot be read as text ({error}); expected lines in UTF-8") from error
