"""Whole searches: what they leave, sweeps, budgets, errors before any work, and that they are not done twice."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imfuse.errors import RecipeError, SearchError
from imfuse.lab.nn.genotype import Genotype
from imfuse.lab.search import search as module
from imfuse.lab.search import times
from imfuse.lab.search.gradient_search import GradientSearch
from imfuse.lab.search.recipe_files import read_search
from imfuse.lab.search.record import COURSE, PAGE, RECIPE, TRIALS, WINNER, Winner, read_course, winners
from imfuse.lab.search.search import Outcome, search
from imfuse.lab.search.trials_run import TrialsRun
from imfuse.lab.search.working import only_process

STRATEGIES = ("gradient", "random", "evolution")
MEASURED = 2.0

Run = Callable[..., Outcome]


@pytest.fixture(scope="module", autouse=True)
def measured(pretended) -> Iterator[None]:
    """Nothing is timed, and pages are not written unless a test wants them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(times, "_measured", lambda space, *_: pretended(space))
        patch.setattr(module, "measure_call", lambda _network, _target: MEASURED)
        patch.setattr(module, "write_page", lambda _folder: None)
        yield


@pytest.fixture(scope="module")
def run(tiny, change) -> Run:
    def run(folder: Path, *, restart: bool = False, **values) -> Outcome:
        return search(change(tiny, **values), folder, restart=restart)

    return run


@pytest.fixture(scope="module")
def finished(run, tmp_path_factory) -> dict[str, tuple[Path, Winner]]:
    """By strategy, the folder and the winner."""
    found = {}
    for strategy in STRATEGIES:
        folder = tmp_path_factory.mktemp(strategy)
        winner = run(folder, strategy=strategy).winner
        assert winner is not None
        found[strategy] = (folder, winner)
    return found


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_search_leaves_its_recipe_its_course_and_its_winner(finished, tiny, change, strategy):
    folder, winner = finished[strategy]
    assert read_search(folder / RECIPE) == change(tiny, strategy=strategy)
    assert (folder / (COURSE if strategy == "gradient" else TRIALS)).is_file()
    assert Winner.read(folder) == winner
    assert winners(folder) == [winner]
    assert Genotype.parse(winner.genotype) in tiny.space
    assert (winner.strategy, winner.measured_ms, winner.weight) == (strategy, MEASURED, 0.0)
    assert winner.seconds > 0


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_same_seed_finds_the_same_and_another_seed_another_loss(finished, run, tmp_path, strategy):
    _, winner = finished[strategy]
    again = run(tmp_path / "again", strategy=strategy).winner
    other = run(tmp_path / "other", strategy=strategy, seed=1).winner
    assert again is not None
    assert other is not None
    assert (again.genotype, again.loss) == (winner.genotype, winner.loss)
    assert other.loss != winner.loss


def test_what_is_found_is_not_searched_again_unless_restarted(finished, run, monkeypatch):
    folder, winner = finished["gradient"]
    assert run(folder) == Outcome(winner, known=True)
    monkeypatch.setattr(GradientSearch, "update", lambda *_: pytest.fail("searched again"))
    assert run(folder).known
    with pytest.raises(pytest.fail.Exception):
        run(folder, restart=True)
    assert not (folder / WINNER).exists()
    winner.write(folder)


def test_a_search_beside_another_process_is_refused_and_changes_nothing(run, tmp_path):
    pytest.importorskip("fcntl")
    with only_process(tmp_path, first=True):
        for restart in (False, True):
            with pytest.raises(SearchError, match="another process works in this folder"):
                run(tmp_path, restart=restart)
    assert not (tmp_path / RECIPE).exists()


def test_another_search_in_the_folder_is_refused(finished, run):
    with pytest.raises(SearchError, match=r"holds a search with another recipe \(data\.batch was 2, now 4\)"):
        run(finished["gradient"][0], data={"batch": 4})


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_winner_keeps_the_budget(run, tmp_path, strategy, capsys):
    # Of the sixteen networks only those with conv_3 do.
    winner = run(tmp_path, strategy=strategy, latency={"budget_ms": 3.6, "weight": 0.1}).winner
    assert winner is not None
    assert winner.predicted_ms <= 3.6
    assert "dil_3" not in winner.genotype
    assert any(note.startswith("collapse to the cheapest operator") for note in winner.notes)
    assert "collapse to the cheapest operator" in capsys.readouterr().err


def test_a_winner_that_is_measured_above_the_budget_says_so(run, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "measure_call", lambda _network, _target: 3.75)
    winner = run(tmp_path, strategy="random", latency={"budget_ms": 3.6}).winner
    assert any(note.startswith("above the budget: 3.75 ms measured") for note in winner.notes)


def test_without_a_price_of_time_a_cheap_winner_is_no_collapse(run, tmp_path):
    winner = run(tmp_path, strategy="random", space={"operators": ("conv_3", "dil_3"), "widths": (4,)}).winner
    assert winner.notes == ()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_budget_that_no_network_keeps_is_refused_before_any_training(run, tmp_path, strategy, monkeypatch):
    for kind in (GradientSearch, TrialsRun):
        monkeypatch.setattr(kind, "__init__", lambda *_, **__: pytest.fail("something was trained"))
    with pytest.raises(SearchError, match=r"budget 2 ms: .*'x1 w2 blend csc\(conv_3\)', takes 2\.4 ms\. Raise the bu"):
        run(tmp_path, strategy=strategy, latency={"budget_ms": 2})


def test_after_a_refused_budget_another_one_is_searched_without_a_restart(run, tmp_path):
    with pytest.raises(SearchError, match="Raise the budget"):
        run(tmp_path, strategy="random", latency={"budget_ms": 2})
    assert run(tmp_path, strategy="random", latency={"budget_ms": 3.6}, trials={"candidates": 1}).winner is not None


def test_a_restart_that_is_refused_loses_nothing(run, tmp_path):
    winner = run(tmp_path, strategy="random", trials={"candidates": 1}).winner
    with pytest.raises(SearchError, match="Raise the budget"):
        run(tmp_path, strategy="random", latency={"budget_ms": 2}, restart=True)
    assert Winner.read(tmp_path) == winner


def test_missing_images_are_named_before_anything_is_written_or_measured(run, tiny, change, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "search_times", lambda *_: pytest.fail("something was measured"))
    with pytest.raises(RecipeError, match="no folder"):
        search(change(tiny, data={"root": "absent"}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_strategies_of_trials_work_in_one_process(tiny, change, tmp_path):
    with pytest.raises(RecipeError, match=r"field machine: 2 processes; strategy 'random' runs in one"):
        search(change(tiny, strategy="random", machine={"devices": 2}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_sweep_finds_a_winner_for_each_weight_and_takes_the_lowest_loss(run, tmp_path):
    outcome = run(tmp_path, latency={"weight": [0.0, 50.0]}, gradient={"architecture_rate": 1.0})
    found = winners(tmp_path)
    assert {winner.weight for winner in found} == {0.0, 50.0}
    assert [winner.predicted_ms for winner in found] == sorted(winner.predicted_ms for winner in found)
    dear = next(winner for winner in found if winner.weight)
    assert "dil_3" not in dear.genotype
    assert outcome.winner == Winner.read(tmp_path) == min(found, key=lambda winner: winner.loss)
    assert [len(read_course(tmp_path / name)) for name in ("weight-0", "weight-50")] == [10, 10]


def test_a_sweep_goes_on_in_its_second_search(run, tmp_path):
    sweep = {"latency": {"weight": [0.0, 0.5]}}
    whole = run(tmp_path / "whole", **sweep).winner
    done, update = [], GradientSearch.update

    def interrupted(search_of_one: GradientSearch, step: int) -> dict[str, float]:
        done.append(step)
        if len(done) == 14:
            signal.raise_signal(signal.SIGTERM)
        return update(search_of_one, step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GradientSearch, "update", interrupted)
        assert run(tmp_path / "stopped", **sweep) == Outcome(None)
        assert [winner.weight for winner in winners(tmp_path / "stopped")] == [0.0]
        again = run(tmp_path / "stopped", **sweep).winner
    assert done == [*range(10), *range(4), *range(4, 10)]
    assert again is not None
    assert whole is not None
    assert (again.genotype, again.loss, again.weight) == (whole.genotype, whole.loss, whole.weight)


def test_a_page_that_cannot_be_written_loses_no_search(run, tmp_path, monkeypatch, capsys):
    def fail(_folder: Path) -> None:
        raise ZeroDivisionError("nothing to draw")

    monkeypatch.setattr(module, "write_page", fail)
    assert run(tmp_path, strategy="random", trials={"candidates": 1}).winner is not None
    assert "search.html: not written (ZeroDivisionError: nothing to draw)" in capsys.readouterr().err


def test_the_page_of_a_finished_search_is_written_again_where_it_is_missing(run, finished, monkeypatch):
    from imfuse.lab.search.page import write_page

    folder, winner = finished["random"]
    monkeypatch.setattr(module, "write_page", write_page)
    assert run(folder, strategy="random") == Outcome(winner, known=True)
    page = folder / PAGE
    assert page.stat().st_size > 1000
    page.write_text("kept")
    run(folder, strategy="random")
    assert page.read_text() == "kept"


@pytest.mark.parametrize("strategy", ["gradient", "random"])
def test_the_page_is_there_from_the_first_checkpoint_on(run, tmp_path, monkeypatch, strategy):
    from imfuse.lab.search.page import write_page

    states = []

    def watched(folder: Path) -> None:
        write_page(folder)
        states.append(((folder / PAGE).stat().st_size > 1000, (folder / WINNER).is_file()))

    monkeypatch.setattr(module, "write_page", watched)
    run(tmp_path, strategy=strategy, checkpoint_every=100, trials={"candidates": 1})
    assert states == [(True, False), (True, True)]
