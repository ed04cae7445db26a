"""Which metrics are measured, by which conventions, and over which of them the mean rank is taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from imfuse.errors import EvaluationError
from imfuse.lab.metrics import functional
from imfuse.lab.metrics.registry import COMMON, IMFUSE, METRICS, RANKED

_SPELLINGS = {name.casefold(): name for name in METRICS}


def choose_metrics(words: Iterable[str]) -> tuple[str, ...]:
    """Names of metrics, where `common` and `all` stand for those; each once, in the order given, in any case.

    `all` leaves out what cannot be measured here, such as LPIPS without its weights.

    Raises:
        EvaluationError: an unknown name.

    >>> choose_metrics(["vif", "common"])[:3]
    ('VIF', 'EN', 'SD')
    """
    groups = {"common": COMMON, "all": tuple(name for name in METRICS if _is_available(name))}
    names = tuple(dict.fromkeys(name for word in words for name in groups.get(word.casefold(), (spelt(word),))))
    check_metrics(names)
    return names


def spelt(word: str) -> str:
    """A metric as `METRICS` spells it, from any case; another word as it is.

    >>> spelt("qabf"), spelt("nothing")
    ('Qabf', 'nothing')
    """
    return _SPELLINGS.get(word.casefold(), word)


def left_out(words: Iterable[str]) -> str | None:
    """A sentence on what `all` leaves out here and what would change that; None where it leaves out nothing."""
    if "all" not in map(str.casefold, words) or _is_available("LPIPS"):
        return None
    from imfuse.lab.metrics.functional.perceptual import weights_file

    path = weights_file()
    return (
        f"all metrics but LPIPS, whose network is not on this machine: put torchvision's {path.name} into "
        f"{path.parent} to measure it"
    )


def choose_ranked(metrics: Sequence[str], words: Sequence[str] | None) -> tuple[str, ...]:
    """The metrics of the mean rank: those that are named, else the usual ones that are measured, else all that are.

    Raises:
        EvaluationError: a name that is not among the metrics.

    >>> choose_ranked(["VIF", "MSE"], None), choose_ranked(["MSE"], None)
    (('VIF',), ('MSE',))
    """
    if words is None:
        return tuple(name for name in metrics if name in RANKED) or tuple(metrics)
    names = tuple(dict.fromkeys(map(spelt, words)))
    for name in names:
        if name not in metrics:
            raise EvaluationError(f"no rank over {name!r}, which is not measured; measured are {', '.join(metrics)}")
    return names


def check_metrics(names: Sequence[str]) -> None:
    """Refuse unknown metrics, and those that cannot be measured here.

    Raises:
        EvaluationError: naming it.
    """
    if not names:
        raise EvaluationError(f"no metrics to measure; name some of {', '.join(METRICS)}")
    for name in names:
        if name not in METRICS:
            close = get_close_matches(name.casefold(), {known.casefold(): known for known in METRICS}, 1)
            hint = next((f"; did you mean {known!r}?" for known in METRICS if known.casefold() in close), ";")
            raise EvaluationError(f"no metric {name!r}{hint} known are {', '.join(METRICS)}")
        if not _is_available(name):
            raise EvaluationError(f"{name} needs weights that are not on this machine; leave it out of the metrics")


def check_conventions(metrics: Sequence[str], conventions: Mapping[str, str]) -> dict[str, str]:
    """The conventions that are not imfuse's own.

    Args:
        metrics: that are measured.
        conventions: by metric.

    Raises:
        EvaluationError: of a metric that is not measured, or one that the metric does not have.
    """
    conventions = {spelt(name): convention for name, convention in conventions.items()}
    for name, convention in conventions.items():
        if name not in metrics:
            raise EvaluationError(f"a convention of {name!r}, which is not measured; measured are {', '.join(metrics)}")
        if convention not in METRICS[name].conventions:
            known = ", ".join(METRICS[name].conventions)
            raise EvaluationError(f"{name} has no convention {convention!r}; expected one of {known}")
    return {name: convention for name, convention in conventions.items() if convention != IMFUSE}


def _is_available(name: str) -> bool:
    return name != "LPIPS" or functional.lpips_available()
