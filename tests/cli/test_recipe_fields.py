"""Fields of recipes as options: a mistake in one is told as in a recipe's file, and the help is whole sentences."""

from __future__ import annotations

import pytest

from imfuse.cli import main

MISTAKES = [
    (["--latency.budget_ms", "abc"], "field latency.budget_ms: 'abc'; expected a number or null"),
    (
        ["--strategy=evolutoin"],
        "field strategy: 'evolutoin'; expected one of gradient, random, evolution; did you mean 'evolution'?",
    ),
    (["--gradient.hypergradien", "X"], "unknown field gradient.hypergradien; allowed here: hypergradient, "),
    (["--gradient.hypergradien=X"], "; did you mean 'hypergradient'?"),
    (["--stratgy", "random"], "; did you mean 'strategy'?"),
    (["--latency.weight", "[a]"], "field latency.weight[0]: 'a'; expected a number"),
    (["--haf.widths", "x"], "field haf.widths: 'x'; expected a list of whole numbers"),
    (["--objective.edges", "abc"], "field objective.edges: 'abc'; expected a number or a mapping"),
    (["--gradient.stages", '[{"levle": "macro"}]'], "unknown field gradient.stages.levle; "),
    (["--gradient.stages", '[{"level": "macr", "steps": 1}]'], "field gradient.stages[0].level: 'macr'; expected"),
]


@pytest.mark.parametrize(("options", "message"), MISTAKES)
def test_a_mistake_in_a_field_is_one_sentence_with_the_status_of_recipes(capsys, options, message):
    assert main(["search", "ivif-10ms", *options]) == 1
    said = capsys.readouterr().err
    assert said.startswith("imfuse: command line")
    assert message in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("options", [["--restrat"], ["--then-trian"], ["too-much"]])
def test_other_mistakes_keep_the_status_of_a_command_that_cannot_be_meant(capsys, options):
    assert main(["search", "ivif-10ms", "--seed", "3", "--latency.budget_ms", "null", *options]) == 2
    assert f"unrecognized arguments: {options[0]}" in capsys.readouterr().err


def test_numbers_with_an_exponent_are_numbers_inside_mappings_too():
    from imfuse.cli._recipe_fields import _nested

    assert _nested({"optimiser": {"learning_rate": "1e-4"}}) == {"optimiser": {"learning_rate": 1e-4}}


@pytest.mark.parametrize(
    ("command", "option", "sentence"),
    [
        ("search", "--gradient.relaxation", "softmax runs every path, weighted."),
        ("search", "--latency.weight", "A list runs one search for each, and shows the front of loss and time."),
        ("search", "--data.whole", "scaled to the patch; the others are cut at full resolution."),
        ("train", "--objective", "a mapping of weight, which may be a schedule, and the options of the loss."),
    ],
)
def test_the_help_of_a_field_ends_with_a_whole_sentence(capsys, command, option, sentence):
    assert main([command, "--help"]) == 0
    words = capsys.readouterr().out.split()
    begin = words.index(option)
    own = " ".join(words[begin : next(n for n in range(begin + 3, len(words)) if words[n].startswith("--"))])
    assert own.endswith(sentence)


@pytest.mark.parametrize("command", ["search", "train"])
def test_no_description_of_a_field_is_cut(capsys, command):
    assert main([command, "--help"]) == 0
    entries = capsys.readouterr().out.partition("--name")[2].split("\n  --")
    assert [entry for entry in entries if not entry.rstrip().endswith((".", "exit"))] == []
