"""Checkpoints of a search bring everything back, and refuse what is damaged or of another search."""

from __future__ import annotations

import os

import pytest
import torch
from lightning_fabric import Fabric

from imfuse.errors import SearchError
from imfuse.lab.search.checkpoint import load_search_state, save_search_state
from imfuse.lab.search.gradient_search import GradientSearch
from imfuse.lab.search.material import make_material
from imfuse.lab.search.networks import make_supernet
from imfuse.lab.search.penalty import TimePenalty
from imfuse.lab.search.recipe import Stage


@pytest.fixture
def make(tiny, change):
    def make(seed: int = 0, **values) -> GradientSearch:
        gradient = {"warmup": 0, "stages": (Stage("both", 9),)}
        recipe = change(tiny, gradient=gradient, **values)
        fabric = Fabric(accelerator="cpu", devices=1)
        material = make_material(recipe, fabric)
        torch.manual_seed(seed)
        free = TimePenalty(lambda probabilities: probabilities["cell1.kind"].sum(), 0.0, 0.0)
        return GradientSearch(recipe, fabric, make_supernet(recipe), material.objectives, material.batches, free)

    return make


def test_a_state_goes_on_as_the_one_that_was_saved(make, tmp_path):
    saved, restored = make(), make(seed=1)
    saved.update(0)
    saved.supernet.settle({"cell1.kind": 1})
    save_search_state(tmp_path / "c", saved, 1, 2.5, "hash")
    assert load_search_state(tmp_path / "c", restored, "hash") == (1, 2.5)
    assert restored.supernet.settled == {"cell1.kind": 1}
    assert saved.update(1) == restored.update(1)
    for name, value in saved.supernet.state_dict().items():
        assert torch.equal(value, restored.supernet.state_dict()[name]), name


def test_equal_states_give_equal_files(make, tmp_path):
    for name in "ab":
        search = make()
        search.update(0)
        save_search_state(tmp_path / name, search, 1, 0.0, "hash")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_state_of_another_search_is_refused_and_changes_nothing(make, tmp_path):
    saved, other = make(), make(seed=1)
    save_search_state(tmp_path / "c", saved, 1, 0.0, "hash")
    before = {name: value.clone() for name, value in other.supernet.state_dict().items()}
    with pytest.raises(SearchError, match=r"c: the state of a search with another recipe; .*--restart"):
        load_search_state(tmp_path / "c", other, "other hash")
    assert all(torch.equal(value, before[name]) for name, value in other.supernet.state_dict().items())
    wider = make(space={"widths": (2, 8)})
    with pytest.raises(SearchError, match=r"c: damaged, or not the state of this search; --restart searches again"):
        load_search_state(tmp_path / "c", wider, "hash")


@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_a_damaged_file_is_named(make, tmp_path, content):
    path = tmp_path / "c"
    save_search_state(path, make(), 1, 0.0, "hash")
    path.write_bytes(path.read_bytes()[:1000] if content is None else content)
    with pytest.raises(SearchError, match=r"c: damaged, or not the state of this search") as error:
        load_search_state(path, make(), "hash")
    assert str(error.value).count("--restart") == 1


def test_a_failure_while_writing_leaves_the_former_state(make, tmp_path, monkeypatch):
    save_search_state(tmp_path / "c", make(), 1, 0.0, "hash")

    def fail(_descriptor: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space"):
        save_search_state(tmp_path / "c", make(), 2, 0.0, "hash")
    assert load_search_state(tmp_path / "c", make(), "hash")[0] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["c"]
