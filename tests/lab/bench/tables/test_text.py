from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.scores import TaskRow, TaskScores
from imfuse.lab.bench.statistics import summarise
from imfuse.lab.bench.tables.rows import fixed, table_rows
from imfuse.lab.bench.tables.text import latex, markdown
from imfuse.lab.bench.timings import SpeedRow, SpeedTable

NAN, INF = float("nan"), float("inf")
ODD_NAMES = ["my_method & 50%", "[ours]* #1", r"a\b{c}^~$x$", "pipe | <b> `code`", "two\nlines"]


@pytest.fixture
def three(make_evaluation) -> Evaluation:
    return make_evaluation(
        {
            "theirs": [[6.0, 9.0, 6.0], [0.004, 0.001, 0.004], [NAN] * 3],
            "ours": [[7.0, 8.0, 9.0], [0.001, 0.002, 0.003], [INF, 20.0, 30.0]],
            "Average": [[1.0, 2.0, 3.0], [0.0, 0.0, 0.003], [20.0, 21.0, 22.5]],
        },
        ("EN", "MSE", "PSNR"),
        ranked=("EN", "MSE"),
        title="Road & rail",
    )


def table_of(markdown_text: str) -> list[list[str]]:
    lines = [line for line in markdown_text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def rows_of(latex_text: str) -> list[list[str]]:
    lines = [line.removesuffix(r" \\") for line in latex_text.splitlines() if line.endswith(r" \\")]
    return [re.split(r"(?<!\\)&", line) for line in lines]


def test_markdown_has_the_best_bold_the_second_in_italics_and_the_references_below(three):
    table = table_of(markdown(three, summarise(three)))
    assert table[0] == ["method", "mean rank ↓", "mean rank without † ↓", "EN† ↑", "MSE ↓", "PSNR ↑"]
    assert table[1] == [":--", *["--:"] * 5]
    assert [row[0] for row in table[2:]] == ["ours", "theirs", "Average"]
    assert table[2][1].startswith("**1.5** (")
    assert table[4][1].startswith("_2.0_ (")
    assert [row[2] for row in table[2:]] == ["_2.0_", "3.0", "**1.0**"]
    assert table[2][3:] == ["**8.000**", "_0.002000_", "**∞**"]
    assert table[3][3:] == ["_7.000_", "0.003000", "–"]
    assert table[4][3:] == ["2.000", "**0.001000**", "_21.17_"]


def test_the_interval_of_the_mean_rank_stands_beside_it(three):
    summary = summarise(three)
    interval = f"({summary.mean_rank_low[1]:.1f} to {summary.mean_rank_high[1]:.1f})"
    assert interval in table_of(markdown(three, summary))[2][1]
    assert interval in latex(three, summary)


@pytest.mark.parametrize("write", [markdown, latex])
def test_the_notes_say_over_what_means_and_ranks_are(three, write):
    text = write(three, summarise(three))
    assert "Means over 3 images" in text
    assert "Mean rank over EN, MSE" in text
    assert "Noise in the image makes it better." in text
    assert ": over MSE alone." in text
    assert "bootstrap" in text
    assert "convention" not in text
    assert r"MSE by the convention of\_others" in markdown(
        replace(three, conventions={"MSE": "of_others"}), summarise(three)
    )


def test_missing_images_are_counted_in_a_column(make_evaluation):
    evaluation = make_evaluation({"a": [[1.0, 2.0, 3.0]], "b": [[1.0, NAN, NAN]]}, ["EN"])
    text = markdown(evaluation, summarise(evaluation))
    assert [row[-1] for row in table_of(text)] == ["images", "--:", "3", "1"]
    assert "Means, ranks and marks over the 1 image that all methods have, of 3." in text
    assert [row[-1].strip() for row in rows_of(latex(evaluation, summarise(evaluation)))] == ["images", "3", "1"]


def test_times_of_the_run_are_a_column_where_there_are_any(three):
    timed = replace(three.methods[1], milliseconds={"000": 2.0, "001": 4.0, "002": 10.0})
    evaluation = replace(three, methods=(three.methods[0], timed, three.methods[2]))
    for write, read, nothing in ((markdown, table_of, "–"), (latex, rows_of, "--")):
        text = write(evaluation, summarise(evaluation))
        cells = {row[0].strip(): row[-1].strip() for row in read(text)}
        assert cells["method"] == "ms"
        assert (cells["ours"], cells["theirs"]) == ("4.0", nothing)
        assert "ms: median time of the fusions of this run" in text
        assert "ms: median" not in write(three, summarise(three))


def test_marks_agree_with_the_printed_means_where_images_are_missing(make_evaluation):
    evaluation = make_evaluation({"a": [[1.0, 9.0]], "b": [[2.0, NAN]]}, ["EN"])
    summary = summarise(evaluation)
    assert summary.means[:, 0].tolist() == [5, 2]
    cells = {row.name: row.cells[1] for row in table_rows(evaluation, summary)}
    assert (cells["a"].text, cells["a"].mark) == ("1.000", "second")
    assert (cells["b"].text, cells["b"].mark) == ("2.000", "best")


def test_methods_without_a_common_image_have_means_of_their_own_and_no_marks(make_evaluation):
    evaluation = make_evaluation({"a": [[1.0, NAN]], "b": [[NAN, 2.0]]}, ["EN"])
    text = markdown(evaluation, summarise(evaluation))
    assert [row[2] for row in table_of(text)[2:]] == ["1.000", "2.000"]
    assert "means over the images that each method has, and no ranks." in text


def test_a_column_of_equals_has_no_marks(make_evaluation):
    evaluation = make_evaluation({"a": [[1.0], [2.0]], "b": [[1.0], [3.0]]}, ["EN", "SD"])
    rows = table_rows(evaluation, summarise(evaluation))
    assert [[cell.mark for cell in row.cells] for row in rows] == [["best", "", "best"], ["second", "", "second"]]


def test_latex_has_rows_of_booktabs(three):
    text = latex(three, summarise(three))
    rows = rows_of(text)
    assert {len(row) for row in rows} == {6}
    assert [row[0].strip() for row in rows] == ["method", "ours", "theirs", "Average"]
    assert rows[1][3:] == [r" \textbf{8.000} ", r" \underline{0.002000} ", r" \textbf{$\infty$}"]
    assert rows[2][5] == " --"
    assert text.count(r"\midrule") == 2
    assert text.index(r"\midrule", text.index("theirs")) < text.index("Average")
    assert r"\caption{Road \& rail. Means over 3 images." in text
    assert r"\begin{tabular}{lrrrrr}" in text


def test_negative_numbers_have_a_minus_in_latex(make_evaluation):
    evaluation = make_evaluation({"a": [[-1.5]], "b": [[1.0]]}, ["SCD"])
    assert r"\underline{$-$1.500}" in latex(evaluation, summarise(evaluation))


def test_many_metrics_take_both_columns_of_a_page(make_evaluation):
    metrics = ["EN", "SD", "SF", "AG", "MI", "VIF", "Qabf"]
    evaluation = make_evaluation({"a": [[1.0]] * 7, "b": [[2.0]] * 7}, metrics)
    assert r"\begin{table*}" in latex(evaluation, summarise(evaluation))


@pytest.mark.parametrize("metrics", [["EN", "SD"], ["VIF", "MSE"]])
def test_a_second_mean_rank_stands_where_it_can_differ(make_evaluation, metrics):
    evaluation = make_evaluation({"a": [[1.0]] * 2, "b": [[2.0]] * 2}, metrics)
    text = markdown(evaluation, summarise(evaluation))
    assert table_of(text)[0][1:] == ["mean rank ↓", *(["EN† ↑", "SD† ↑"] if "EN" in metrics else ["VIF ↑", "MSE ↓"])]
    assert "without" not in text


@pytest.fixture
def tasks() -> list[TaskScores]:
    rows = (
        TaskRow("a_b", (0.5, NAN), (0.4, NAN), (0.6, NAN)),
        TaskRow("ir alone", (0.25, 0.1), (0.2, 0.1), (0.3, 0.1)),
    )
    return [TaskScores("Detection by d_1.onnx", ("AP50", "AP & more"), rows, 7, ("100 % sure.",))]


@pytest.fixture
def speed() -> SpeedTable:
    row = SpeedRow("a_b", "torch", 640, 480, 1, 20.0, 19.0, 21.0, 0.5, 90.0, 1000, 1e9, NAN)
    return SpeedTable("one core", 40.0, (row,))


def test_task_scores_and_speeds_stand_below_the_table(three, tasks, speed):
    main, task, of_speed = markdown(three, summarise(three), tasks, speed).split("\n## ")
    assert main == markdown(three, summarise(three))
    assert table_of(task) == [
        ["method", "AP50 ↑", "AP & more ↑".replace("&", r"\&")],
        [":--", "--:", "--:"],
        [r"a\_b", "**0.500** (0.400 to 0.600)", "–"],
        ["ir alone", "_0.250_ (0.200 to 0.300)", "**0.100** (0.100 to 0.100)"],
    ]
    assert task.startswith(r"Detection by d\_1.onnx")
    assert "Over 7 images; in parentheses 95 % bootstrap intervals" in task
    assert "100 % sure." in task
    assert table_of(of_speed)[2][:5] == [r"a\_b", "torch", "640x480", "1", "20.0"]
    assert "on one core" in of_speed
    assert "thread: 40 ms." in of_speed
    assert "Best" not in of_speed


def test_latex_has_them_as_tables_of_their_own(three, tasks, speed):
    text = latex(three, summarise(three), tasks, speed)
    check_latex(text)
    assert text.startswith(latex(three, summarise(three)))
    assert text.count(r"\begin{tabular}") == 3
    assert r"\caption{Detection by d\_1.onnx. Over 7 images" in text
    assert r"a\_b & \textbf{0.500} (0.400 to 0.600) & -- \\" in text
    assert "\n% 100 % sure.\n" in text
    assert r"a\_b & torch & 640x480 & 1 & 20.0 & 19.0-21.0 &" in text


def check_latex(text: str) -> None:
    """What LaTeX would stop at: braces, environments, cells, and characters that mean something to it."""
    body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    plain = re.sub(r"\\\\|\\[{}$&#_%]", "", body)
    depth = 0
    for character in plain:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    assert not re.search(r"[#_%^~]", plain)
    assert plain.count("$") % 2 == 0
    opened = []
    for kind, name in re.findall(r"\\(begin|end)\{([^}]*)\}", plain):
        if kind == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert opened == []
    assert set(re.findall(r"\\([a-zA-Z]+)", plain)) <= {
        *("begin", "end", "centering", "small", "setlength", "tabcolsep", "caption", "textbf", "underline", "toprule"),
        *("midrule", "bottomrule", "uparrow", "downarrow", "infty", "textbackslash", "textasciitilde"),
        *("dag", "textasciicircum", "textless", "textgreater", "textbar"),
    }
    assert not re.search(r"(\\\\|rule)\s*[\[*]", body)
    for table in body.split(r"\begin{tabular}")[1:]:
        check_cells(table)


def check_cells(body: str) -> None:
    assert len({line.replace(r"\&", "").count("&") for line in body.splitlines() if line.endswith(r" \\")}) == 1


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_of_methods_break_neither_format(make_evaluation, name):
    evaluation = make_evaluation({name: [[1.0]], "b": [[2.0]]}, ["EN"], title=name)
    summary = summarise(evaluation)
    check_latex(latex(evaluation, summary))
    assert {len(row) for row in table_of(markdown(evaluation, summary))} == {3}


def test_odd_names_read_as_they_were_given(make_evaluation):
    evaluation = make_evaluation({name: [[float(i)]] for i, name in enumerate(ODD_NAMES)}, ["EN"])
    text = markdown(evaluation, summarise(evaluation))
    unescaped = [re.sub(r"\\(.)", r"\1", row[0]) for row in table_of(text)[2:]]
    assert unescaped == [name.replace("\n", " ") for name in reversed(ODD_NAMES)]
    assert r"my\_method \& 50\%" in latex(evaluation, summarise(evaluation))


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12))
def test_any_name_keeps_the_structure_of_the_tables(make_evaluation, name):
    evaluation = make_evaluation({f"x{name}": [[1.0]], "b": [[2.0]]}, ["EN"])
    summary = summarise(evaluation, resamples=2)
    check_latex(latex(evaluation, summary))
    assert {len(row) for row in table_of(markdown(evaluation, summary))} == {3}


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        ([0.00012346, 0.0001], ("0.0001235", "0.0001000")),
        ([12345.678, 1.0], ("12346", "1")),
        ([0.0, 0.0], ("0.000", "0.000")),
        ([9.9999], ("10.000",)),
        ([-INF, INF, NAN], ("-∞", "∞", "–")),
    ],
)
def test_a_column_has_one_number_of_decimals(column, texts):
    assert fixed(np.array(column)) == texts
