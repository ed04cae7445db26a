"""`imfuse bench` on the command line."""

from __future__ import annotations

import json

import pytest

from imfuse.cli import main

QUICK = ["bench", "--model", "average", "--size", "32x24", "--threads", "1", "--repeat", "2", "--no-yardstick"]


def test_the_table_is_shown_and_written(tmp_path, capsys):
    assert main([*QUICK, "-o", str(tmp_path / "out")]) == 0
    assert "average" in capsys.readouterr().out
    assert "|average|opencv|32x24|1|" in (tmp_path / "out" / "speed.md").read_text()
    assert (tmp_path / "out" / "speed.csv").read_text().startswith("model,engine,width")


def test_json_holds_the_rows(capsys):
    assert main([*QUICK, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["width"], row["height"]) == (32, 24)
    assert row["milliseconds"] > 0


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--size", "32"], "--size 32: expected WIDTHxHEIGHT"),
        (["--size", "0x5"], "--size 0x5"),
        (["--repeat", "0"], "--repeat 0"),
        (["--threads", "0"], "--threads 0"),
        (["--model", "ivf"], "did you mean 'ivif'"),
        (["--sources", "a", "b"], "-o FOLDER"),
    ],
)
def test_what_cannot_be_meant_gives_2(words, text, capsys):
    assert main([*QUICK, *words]) == 2
    assert text in capsys.readouterr().err


def test_with_pairs_the_report_holds_speed_and_quality(tmp_path, capsys):
    from imfuse.images.files import write_image
    from imfuse.scenes import simulate

    for seed in range(2):
        scene = simulate(64, 96, seed=seed)
        write_image(tmp_path / "ir" / f"{seed}.png", scene.infrared)
        write_image(tmp_path / "vis" / f"{seed}.png", scene.visible)
    sources = ["--sources", str(tmp_path / "ir"), str(tmp_path / "vis")]
    assert main([*QUICK, "--model", "laplacian", *sources, "-o", str(tmp_path / "report")]) == 0
    assert "report.html" in capsys.readouterr().out
    summary = json.loads((tmp_path / "report" / "summary.json").read_text())
    assert [row["model"] for row in summary["speed"]["rows"]] == ["laplacian"]
    assert "laplacian" in (tmp_path / "report" / "table.md").read_text()
