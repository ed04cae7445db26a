"""Measure methods side by side: fused images from folders and from models, the average and the maximum beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imfuse.lab.bench.evaluation import Evaluation, Method, Scene
from imfuse.lab.bench.measuring.board import Board
from imfuse.lab.bench.measuring.columns import check_conventions, check_metrics, choose_ranked
from imfuse.lab.bench.measuring.fusing import Model, fuse_scenes, load_models
from imfuse.lab.bench.measuring.methods import (
    Problems,
    check_folder_names,
    check_names,
    find_scenes,
    read_method,
    references,
    source_names,
)
from imfuse.lab.bench.measuring.processes import measure
from imfuse.lab.bench.measuring.store import Cache, opened
from imfuse.lab.bench.tables.rows import image_count
from imfuse.lab.metrics.registry import COMMON, IMFUSE, METRICS

Progress = Callable[[str, int | None], AbstractContextManager[Callable[[], None]]]
"""Shows that so many steps of a kind are to come, None for unknown; what it gives is called after each."""


@contextmanager
def silent(label: str, total: int | None) -> Iterator[Callable[[], None]]:  # noqa: ARG001 (as every Progress)
    """Progress that nobody sees."""
    yield lambda: None


def evaluate(
    sources: Sequence[str | Path],
    fused: Mapping[str, str | Path],
    report: str | Path,
    *,
    models: Mapping[str, str | Path] | None = None,
    metrics: Sequence[str] = COMMON,
    conventions: Mapping[str, str] | None = None,
    ranked: Sequence[str] | None = None,
    title: str | None = None,
    jobs: int = 1,
    cache: Cache | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Measure methods on the scenes that all sources share; Average and Maximum are added to them.

    Everything is measured on luma in [0, 1] with the levels of the file: 255 steps for 8 bits, 65535 for 16 bits. A
    grey source of 16 bits beside one of 8 bits or in colour is taken for a raw thermal image and stretched between
    its 0.5 and 99.5 percentiles, as `imfuse fuse` does. Transparency is ignored, and nothing is resized. What is
    missing, cannot be read or has another size is NaN and said in `problems`.

    Values are kept by the content of the files in `report/.cache` as soon as they are there, so that a run that was
    stopped goes on, and a second one only reads.

    Args:
        sources: two folders or more, in the order of the models; files of equal stem are one scene.
        fused: folders of fused images by the names of their methods, files named like the scenes.
        report: folder that keeps the cache, and what the models fuse in `fused/NAME`.
        models: as `Fuser.load` takes them, by the names of their methods; they fuse and are timed on one thread.
        metrics: names of `METRICS`.
        conventions: of metrics that are not to be measured by imfuse's own.
        ranked: metrics of the mean rank; the usual ones if None.
        title: of the report.
        jobs: processes that measure. With more than one, a script needs `if __name__ == "__main__":`.
        cache: of the report folder, for callers that go on writing into the folder; None opens and closes it.
        progress: shows how far the work is.

    Raises:
        EvaluationError: names, metrics or files that cannot be meant, or a folder that cannot be written to.
        PairingError: the sources share no scene.
        ImageReadError: a folder cannot be read.
        ModelError: there is no such model.

    Example:
        >>> import tempfile
        >>> from imfuse.images.files import write_image
        >>> from imfuse.scenes import simulate
        >>> folder, scene = Path(tempfile.mkdtemp()), simulate(96, 128, seed=0)
        >>> for name, pixels in {"ir": scene.infrared, "vis": scene.visible}.items():
        ...     write_image(folder / name / "0.png", pixels)
        >>> sources = [folder / "ir", folder / "vis"]
        >>> found = evaluate(sources, {"mine": folder / "ir"}, folder / "report", metrics=["VIF", "SSIM"])
        >>> [method.name for method in found.methods], found.values.shape
        (['mine', 'Average', 'Maximum'], (3, 2, 1))
    """
    models, report, folders = models or {}, Path(report), [Path(folder) for folder in sources]
    check_metrics(metrics)
    conventions = check_conventions(metrics, conventions or {})
    ranked = choose_ranked(metrics, ranked)
    check_names([*fused, *models])
    check_folder_names(models)
    scenes, problems = find_scenes(folders)
    read, unmatched = _unzip(read_method(name, Path(folder), scenes) for name, folder in fused.items())
    loaded = load_models(models, report)
    with opened(report) if cache is None else nullcontext(cache) as known:
        known.hashes.all_of(path for scene in scenes for path in scene.sources)
        run, unfused = _unzip(_fuse(model, scenes, known, progress) for model in loaded)
        methods = (*read, *run, *references())
        board = Board(scenes, methods, [(name, conventions.get(name, IMFUSE)) for name in metrics], known)
        unmeasured = _measure(board, jobs, progress)
    names = source_names(folders)
    return Evaluation(
        title=title or f"Fusion of {' and '.join(names)}",
        source_names=names,
        scenes=scenes,
        methods=methods,
        metrics=tuple(metrics),
        ranked=ranked,
        values=board.values(),
        conventions=conventions,
        problems=tuple(
            dict.fromkeys([*problems, *unmatched, *unfused, *unmeasured, *_grey(board), *board.remarks(names)])
        ),
    )


def has_failed(evaluation: Evaluation) -> bool:
    """Whether an image that is there could not be measured in full, or a model did not fuse a scene.

    That a folder lacks images is no failure, nor that metrics of colour say nothing of grey images.
    """
    grey = [index for index, name in enumerate(evaluation.metrics) if METRICS[name].inputs != "colour"]
    lacking = np.isnan(evaluation.values[:, grey]).any(axis=1)
    return bool((lacking & _expected(evaluation.methods, evaluation.scenes)).any())


def _expected(methods: Sequence[Method], scenes: Sequence[Scene]) -> NDArray[np.bool_]:
    """Whether a value should be there, `(methods, scenes)`."""
    return np.array([[method.kind != "folder" or scene.stem in method.files for scene in scenes] for method in methods])


def _grey(board: Board) -> Problems:
    """Sentences on the metrics of colour that leave out images."""
    left_out = np.isnan(board.values()) & _expected(board.methods, board.scenes)[:, None]
    return tuple(
        f"{name}: only where the fused image and a source are in colour; left out: "
        f"{image_count(left_out[:, k].sum())}, of {_counted(board.methods, left_out[:, k].sum(axis=1))}"
        for k, (name, _) in enumerate(board.columns)
        if METRICS[name].inputs == "colour" and left_out[:, k].any()
    )


def _counted(methods: Sequence[Method], counts: NDArray[np.int64]) -> str:
    """The methods with images, and how many these are."""
    return ", ".join(f"{method.name} {count}" for method, count in zip(methods, counts, strict=True) if count)


def _fuse(model: Model, scenes: Sequence[Scene], cache: Cache, progress: Progress) -> tuple[Method, Problems]:
    with progress(f"fusing by {model.name}", len(scenes)) as advance:
        return fuse_scenes(model, scenes, cache, advance)


def _measure(board: Board, jobs: int, progress: Progress) -> Problems:
    tasks, problems = board.tasks(), []
    with progress("measuring", len(tasks)) as advance:
        for measured in measure(tasks, jobs):
            board.note(measured)
            problems += measured.problems
            advance()
    return tuple(problems)


def _unzip(found: Iterable[tuple[Method, Problems]]) -> tuple[tuple[Method, ...], Problems]:
    """Methods, and the problems of all of them."""
    pairs = list(found)
    return tuple(method for method, _ in pairs), tuple(problem for _, problems in pairs for problem in problems)
