"""`imfuse models` shows what `--model` takes."""

from __future__ import annotations

import json
from dataclasses import replace

from imfuse.classical import METHODS
from imfuse.cli.models import _notes
from imfuse.runtime.card import ModelCard
from imfuse.runtime.models import ZOO, list_models


def test_the_table_names_every_model(imfuse, capsys):
    assert imfuse("models") == 0
    text = capsys.readouterr().out
    assert all(name in text for name in list_models())


def test_json_gives_the_cards_whole(imfuse, capsys):
    assert imfuse("models", "--json") == 0
    records = json.loads(capsys.readouterr().out)
    assert [record["name"] for record in records] == list_models()
    for record in records:
        if record["kind"] == "network":
            assert record["sha256"] == ModelCard.read(ZOO / record["name"]).sha256
        else:
            assert record["name"] in METHODS
            assert record["task"]


def test_the_table_says_what_to_know_before_a_model_is_used(imfuse, capsys, monkeypatch, tmp_path):
    (tmp_path / "mine").mkdir()
    card = replace(ModelCard.read(ZOO / "ivif"), name="mine", remark="baseline: [3000] steps")
    replace(card, margin=None, equal_sources_error=12.5).write(tmp_path / "mine")
    monkeypatch.setattr("imfuse.runtime.models.ZOO", tmp_path)
    assert imfuse("models") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "baseline: [3000] steps" in text
    assert "fused whole" in text
    assert "changes equal sources by up to 12.5 of 255" in text
    assert imfuse("models", "--json") == 0
    record = json.loads(capsys.readouterr().out)[0]
    assert (record["margin"], record["remark"]) == (None, "baseline: [3000] steps")
    assert record["network"] == "learned_pyramid(levels=5, width=16)"


def test_the_table_says_nothing_of_models_that_keep_equal_sources_and_have_a_margin(imfuse, capsys):
    assert not {note for name in ("ivif", "focus") for note in _notes(ModelCard.read(ZOO / name))}


def test_a_damaged_card_is_named(imfuse, capsys, monkeypatch, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "card.json").write_text("{")
    monkeypatch.setattr("imfuse.runtime.models.ZOO", tmp_path)
    assert imfuse("models") == 1
    assert "mine/card.json" in capsys.readouterr().err
