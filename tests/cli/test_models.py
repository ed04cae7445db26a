"""`imfuse models` shows what `--model` takes."""

from __future__ import annotations

import json

from imfuse.classical import METHODS
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


def test_a_damaged_card_is_named(imfuse, capsys, monkeypatch, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "card.json").write_text("{")
    monkeypatch.setattr("imfuse.runtime.models.ZOO", tmp_path)
    assert imfuse("models") == 1
    assert "mine/card.json" in capsys.readouterr().err
