"""The page of a search as a file: what it says of each kind of search, complete, escaped, the same each time."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from imfuse.errors import ImageWriteError, RecipeError, SearchError
from imfuse.lab.search.page import write_page
from imfuse.lab.search.page.words import number
from imfuse.lab.search.pareto import pareto_front
from imfuse.lab.search.recipe_files import read_search
from imfuse.lab.search.record import COURSE, PAGE, RECIPE, TRIALS, WINNER, Winner, read_course, read_trials
from imfuse.lab.search.retraining import space_of
from imfuse.lab.search.strategies.trial import Trial

VOID = {"meta", "link", "img", "input", "br"}
MARKUP = 'A&<b>"one"</b>'
"""A name that would be markup if it were not escaped."""


class Page(HTMLParser):
    """Tags with their attributes, the text outside styles, and the rows of all tables."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.html = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.marks: list[tuple[str, str]] = []  # class and text of words in plots
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag == "text":
            self.marks.append((dict(attrs).get("class") or "", ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "text":
            self.marks[-1] = (self.marks[-1][0], self.marks[-1][1] + data)
        elif self.open and self.open[-1] != "style":
            self.texts.append(data)
            if "td" in self.open or "th" in self.open:
                self.tables[-1][-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    def table(self, *head: str) -> list[list[str]]:
        """The rows under a head that begins so."""
        return next(rows[1:] for rows in self.tables if tuple(rows[0][: len(head)]) == head)

    def labels(self, start: str) -> list[str]:
        found = [attributes.get("aria-label") or "" for tag, attributes in self.tags if tag == "svg"]
        return [label for label in found if label.startswith(start)]

    def count(self, tag: str, kind: str) -> int:
        return sum(name == tag and attributes.get("class") == kind for name, attributes in self.tags)


def page_of(folder: Path) -> Page:
    return Page(write_page(folder))


@pytest.fixture(scope="module")
def pages(done) -> dict[str, Page]:
    return {kind: Page(folder / PAGE) for kind, folder in done.items()}


def check(page: Page) -> None:
    """It is whole, reads nothing from elsewhere, and says of each picture what it shows."""
    assert page.open == []
    ids = Counter(attributes["id"] for _, attributes in page.tags if "id" in attributes)
    assert max(ids.values()) == 1
    links = [a["href"] for tag, a in page.tags if tag == "a"]
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert {name for _, a in page.tags for name in (a.get("aria-labelledby") or "").split()} <= set(ids)
    assert not any(tag == "script" for tag, _ in page.tags)
    assert not re.search(r"""(src|srcset|poster|action)=|@import|url\((?!#)""", page.html)
    assert all(link.startswith(("#", "weight-", "../")) for link in links)
    # The only address is the name space inside the picture of the tab.
    assert re.findall(r"https?://[^'\"& )]*", page.html) == ["http://www.w3.org/2000/svg"]
    pictures = [a for tag, a in page.tags if tag == "svg"]
    assert all(a.get("aria-hidden") == "true" or (a["role"] == "img" and a["aria-label"]) for a in pictures)
    heads = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert heads[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(heads))


def test_a_finished_search_says_what_was_found_and_how(done, pages):
    folder, page = done["finished"], pages["finished"]
    check(page)
    winner = Winner.read(folder)
    for words in (
        "ivif-10ms", "infrared and visible", "by gradients on a supernet", "gauss_newton", "1.2 · 10⁶ networks",
        "1 000 steps in 6 min 52 s", winner.genotype, "predicted 9.12 ms", "measured 9.50 ms", "budget 10 ms",
        "search loss 0.4321 on the supernet", "Warnings undecided: no operator leads", "warm-up 100, macro 300, micro",
    ):  # fmt: skip
        assert words in page.text
    assert "not finished" not in page.text
    assert page.labels("Winner") == [f"Winner: {winner.genotype}"]


def test_a_winner_that_takes_longer_than_the_budget_is_a_warning(written, tmp_path):
    assert (
        "Measured, the winner takes 0.40 ms more than the budget of 10 ms."
        in page_of(written["finished"](tmp_path, measured_ms=10.4)).text
    )


def test_a_winner_within_the_budget_is_none(written, tmp_path):
    assert "Warnings" not in page_of(written["finished"](tmp_path, measured_ms=10.0)).text


def test_every_choice_has_a_plot_and_the_numbers_of_the_course(done, pages):
    folder, page = done["finished"], pages["finished"]
    rows = read_course(folder)
    for choice in space_of(read_search(folder / RECIPE)).choices:
        assert len(page.labels(f"Probabilities of {choice.name} ")) == 1
        last = rows[-1] if choice.level == "micro" else next(row for row in rows if row.step == 390)
        table = next(
            rows[1:]
            for rows, region in zip(page.tables, regions(page), strict=True)
            if region == f"Probabilities of {choice.name}"
        )
        assert table[-1] == [str(last.step), *(f"{value:.3f}" for value in last.probabilities[choice.name])]
        assert table[0][0] == "10"


def regions(page: Page) -> list[str | None]:
    """What the tables are, in their order."""
    found, latest = [], None
    for tag, attributes in page.tags:
        if attributes.get("role") == "region":
            latest = attributes["aria-label"]
        if tag == "table":
            found.append(latest)
    return found


def test_the_option_of_the_winner_is_brought_out_and_named_at_its_line(done, pages):
    folder, page = done["finished"], pages["finished"]
    recipe, rows = read_search(folder / RECIPE), read_course(folder)
    space, shown = space_of(recipe), [text for kind, text in page.marks if kind == "shown"]
    genotype = Winner.read(folder).genotype
    for name, pick in space.picks(type(recipe.space).genotype(space, _picks(rows[-1]))).items():
        option = next(choice.options[pick] for choice in space.choices if choice.name == name)
        settled = next(row for row in rows if row.step == 390) if "op" not in name else rows[-1]
        assert f"{option} {settled.probabilities[name][pick]:.2f}" in shown
    assert genotype == rows[-1].genotype


def _picks(row) -> dict[str, int]:
    return {name: values.index(max(values)) for name, values in row.probabilities.items()}


def test_a_winner_that_is_not_the_likeliest_is_said_to_be_so(written, tmp_path):
    folder = written["finished"](tmp_path, {"seed": 5})
    recipe, rows = read_search(folder / RECIPE), read_course(folder)
    space, picks = space_of(recipe), _picks(rows[-1])
    name = next(name for name in space.picks(space.genotype(picks)) if name.endswith("op1"))
    likeliest = next(choice.options[picks[name]] for choice in space.choices if choice.name == name)
    picks[name] = (picks[name] + 1) % 11
    Winner(str(space.genotype(picks)), 0.4, 9.0, 9.0, 0.05, 1.0, "gradient").write(folder)
    page = page_of(folder)
    assert f"; the likeliest is {likeliest} at {max(rows[-1].probabilities[name]):.2f}" in page.text
    row = next(row for row in page.table("choice", "taken") if row[0] == name)
    assert row[-1] == f"{likeliest} {max(rows[-1].probabilities[name]):.2f}"


def test_stages_budget_and_winner_are_marked(pages):
    page = pages["finished"]
    words = [text for _, text in page.marks]
    assert {"macro", "micro", "budget 10 ms", "winner 9.12 ms", "search", "training"} <= set(words)
    assert page.count("rect", "deciding") == 14  # one a choice
    assert page.count("line", "boundary") == 2 * (14 + 2)


def test_time_and_losses_have_their_numbers(done, pages):
    rows, page = read_course(done["finished"]), pages["finished"]
    times, losses = page.table("step", "expected ms"), page.table("step", "training loss", "search loss")
    assert losses[-1][0] == times[-1][0] == "1000"
    # 100 rows in 60 runs: the first has one, the second two
    assert losses[0] == ["10", number(rows[0].values["training_loss"]), "–"]
    assert losses[1][1] == number((rows[1].values["training_loss"] + rows[2].values["training_loss"]) / 2)
    assert times[0][1] == number(rows[10].values["milliseconds"])


@pytest.mark.parametrize("warmup", [2, 100])
def test_a_stage_of_which_nothing_was_logged_says_so_and_shows_no_probability(written, tmp_path, warmup):
    stages = [{"level": "macro", "steps": 5}, {"level": "micro", "steps": 300}]
    folder = written["finished"](tmp_path, {"gradient": {"warmup": warmup, "stages": stages}})
    page = page_of(folder)
    check(page)
    assert not page.labels("Probabilities of width")
    picks = {row[0]: row for row in page.table("choice", "taken", "probability")}
    assert (picks["width"][2], picks["width"][-1]) == ("", "not logged")
    shape = f"resolution {picks['resolution'][1]}, width {picks['width'][1]}, "
    assert f"probability is not known: {shape}" in page.text
    assert any(float(row[2]) > 0 for name, row in picks.items() if "op" in name)


def test_a_stage_that_was_logged_needs_no_such_words(pages):
    assert "Settled before anything" not in pages["finished"].text


def test_the_loss_of_the_winner_is_told_from_those_of_the_course(done, pages, written, tmp_path):
    words = (
        "The search loss of the winner, 0.4321, is no point of the line: it is of this network alone, over 16 batches "
        "of its own and by all terms of the objective; the line is of the networks that each step drew, on the batch "
        "of the step."
    )
    assert words in pages["finished"].text
    mixed = page_of(written["finished"](tmp_path, {"gradient": {"relaxation": "softmax"}, "trials": {"validation": 1}}))
    assert "over 1 batch of its own" in mixed.text
    assert "the line is of all options together, on the batch of the step." in mixed.text


def test_a_search_that_runs_has_no_loss_of_a_winner(written, tmp_path):
    assert "The search loss of the winner" not in page_of(written["running"](tmp_path, 540)).text


def test_the_objective_and_the_images_are_told(written, tmp_path):
    sets = [
        {"name": "street", "folders": ["ir", "vis"], "weight": 0.4},
        {"name": "own", "folders": ["/home/me/a", "/b"]},
    ]
    edges = {"weight": {"first": 0, "last": 1}, "loss": "gradient", "operator": "sobel"}
    changes = {"data": {"sets": sets, "simulated": 0.25, "scenes": 7}, "objective": {"edges": edges}}
    page = page_of(written["finished"](tmp_path, changes))
    rows = {row[0]: row[1] for table in page.tables for row in table if len(row) == 2}
    assert "0 to 1 edges (gradient, operator sobel)" in rows["objective"]
    assert rows["images: street"] == "ir, vis; weight 0.4"
    assert rows["images: own"] == "a, b; weight 1"
    assert rows["images: simulated"] == "25% of the patches, of 7 scenes"


def test_a_winner_that_was_trained_is_told_with_its_model(written, tmp_path):
    folder = written["finished"](tmp_path)
    assert "The winner was trained" not in page_of(folder).text
    model = folder / "zoo" / read_search(folder / RECIPE).name
    model.mkdir(parents=True)
    assert "The winner was trained" not in page_of(folder).text  # a folder without a card is no model
    (model / "card.json").write_text("{}")
    page = page_of(folder)
    check(page)
    assert f"The winner was trained, and exported to zoo/{model.name} beside this page" in page.text


def test_a_long_course_is_thinned_out(written, tmp_path):
    stages = [{"level": "macro", "steps": 300}, {"level": "micro", "steps": 5600}]
    page = page_of(written["finished"](tmp_path, {"gradient": {"stages": stages}}))
    lines = [a["d"] for tag, a in page.tags if tag == "path" and a.get("class") in ("shown", "other")]
    assert lines
    assert max(line.count("L") for line in lines) < 60
    assert len(page.html) < 400_000


def test_a_search_by_trials_shows_all_the_front_and_the_best_so_far(written, tmp_path):
    folder = written["tried"](tmp_path, diverged=2)
    page = page_of(folder)
    check(page)
    rows = read_trials(folder)
    trials = [Trial(row["genotype"], row["loss"], row["milliseconds"]) for row in rows if row["loss"] is not None]
    front = pareto_front(trials)
    lowest = [t for n, t in enumerate(trials) if all(t.loss < earlier.loss for earlier in trials[:n])]
    assert page.count("circle", "of-front") == len(front) + len(lowest)
    assert page.count("circle", "tried") == len(trials) - len(front) + len(trials)
    assert page.count("path", "diverged") == 2 * 2
    assert page.count("circle", "winner") == 1
    table = page.table("#", "network")
    assert [row[1] for row in table] == [row["genotype"] for row in rows]
    assert {row[1] for row in table if row[-1]} == {trial.genotype for trial in front}
    assert [row[2] for row in table if row[-1] == "best"] == [number(min(trial.loss for trial in trials))]
    assert "× diverged (2)" in page.text
    assert all(f"{number(trial.loss)} at" in page.labels("search loss of")[0] for trial in lowest)
    assert not page.labels("Probabilities")
    assert "after a short training" in page.text


def test_without_a_budget_trials_are_judged_by_loss_and_time(written, tmp_path):
    folder = written["tried"](tmp_path, count=12, strategy="evolution", latency={"budget_ms": None, "weight": 0.05})
    page = page_of(folder)
    best = min(read_trials(folder), key=lambda row: row["loss"] + 0.05 * row["milliseconds"])
    assert best["genotype"] in page.text
    assert "search loss + 0.05 · ms" in [text for _, text in page.marks]
    assert next(row[1] for row in page.table("#", "network") if row[-1] == "best") == best["genotype"]
    assert "budget none" in page.text
    assert "by short trainings and evolution" in page.text


@pytest.mark.parametrize(("second", "tied"), [(0.5 * (1 + 5e-7), True), (0.5 * (1 + 5e-6), False)])
def test_networks_that_tie_for_the_best_are_said_to(written, tmp_path, second, tied):
    folder = written["tried"](tmp_path, count=5)
    rows = read_trials(folder)
    for row, loss in zip(rows, [0.9, 0.5, second, 0.8, None], strict=True):
        row["loss"] = loss
    (folder / TRIALS).write_text("".join(json.dumps(row) + "\n" for row in rows))
    page = page_of(folder)
    check(page)
    assert ("2 networks tie for the lowest search loss, 0.5000, to within a millionth" in page.text) == tied
    assert (" tie for " in page.text) == tied


def test_trials_that_all_diverged_are_said_to_have(written, tmp_path):
    page = page_of(written["tried"](tmp_path, count=3, diverged=3))
    check(page)
    assert "All networks that were tried diverged." in page.text
    assert len(page.table("#", "network")) == 3


def test_a_sweep_shows_the_front_and_leads_to_the_page_of_each_weight(done, pages):
    folder, page = done["swept"], pages["swept"]
    check(page)
    links = [a["href"] for tag, a in page.tags if tag == "a" and a["href"].startswith("weight")]
    assert links == ["weight-0.01/search.html", "weight-0.05/search.html", "weight-0.2/search.html"]
    table = page.table("weight", "network")
    assert [row[0] for row in table] == ["0.01", "0.05", "0.2"]
    assert [row[2:5] for row in table] == [
        ["0.4000", "9.500", "9.700"], ["0.5000", "7.500", "7.700"], ["0.6000", "5.500", "5.700"]
    ]  # fmt: skip
    assert [row[-1] for row in table] == ["lowest loss", "on the front", "on the front"]
    assert page.count("circle", "of-front") == 3
    assert "3 weights of time in 20 min 36 s" in page.text
    for link in links:
        part = Page(folder / link)
        check(part)
        assert ("../search.html", True) in [(a["href"], tag == "a") for tag, a in part.tags if "href" in a]
    assert "weight 0.05 of a sweep" in Page(folder / links[1]).text


def test_the_page_of_one_weight_is_made_from_the_recipe_above(written, tmp_path):
    folder = written["swept"](tmp_path)
    path = write_page(folder / "weight-0.05")
    assert path == folder / "weight-0.05" / PAGE
    assert not (folder / PAGE).exists()
    (folder / "weight-7").mkdir()
    with pytest.raises(SearchError, match=r"weight-7: no weight of the sweep"):
        write_page(folder / "weight-7")


def test_a_sweep_that_runs_says_which_searches_are_done(written, tmp_path):
    folder = written["swept"](tmp_path, done=1)
    page = page_of(folder)
    check(page)
    assert "This sweep has not finished: 1 of 3 searches done." in page.text
    table = page.table("weight", "network")
    assert [row[1] for row in table[1:]] == ["running, or stopped", "not begun"]
    assert not (folder / "weight-0.2").exists()
    part = Page(folder / "weight-0.05" / PAGE)
    assert "200 of 1 000 steps" in part.text


@pytest.mark.parametrize("until", [10, 110, 540])
def test_a_search_that_runs_says_how_far_it_is(tmp_path, written, until):
    page = page_of(written["running"](tmp_path, until))
    check(page)
    assert f"This search has not finished: {until} of 1 000 steps." in page.text
    assert "Likeliest network so far" in page.text
    assert read_course(tmp_path)[-1].genotype in page.text
    assert len(page.labels("Probabilities")) == 14
    assert len(page.labels("Expected")) == (until > 100)


def test_a_search_that_has_logged_nothing_says_so(written, tmp_path):
    page = page_of(written["running"](tmp_path, 0))
    check(page)
    assert "This search has logged nothing yet." in page.text
    assert "How it was searched" in page.text


def test_trials_that_run_show_the_best_so_far(written, tmp_path):
    page = page_of(written["tried"](tmp_path, count=5))
    check(page)
    assert "5 of 24 networks tried" in page.text
    assert "Best network so far" in page.text


def test_a_line_that_a_killed_search_cut_short_is_left_out(written, tmp_path):
    folder = written["finished"](tmp_path)
    with (folder / COURSE).open("a") as file:
        file.write('{"step": 1010, "sta')
    assert page_of(folder).table("step", "expected ms")[-1][0] == "1000"


def test_a_network_of_haf_is_drawn(written, tmp_path):
    stages = [{"level": "both", "steps": 300, "parts": ["ffm"]}, {"level": "both", "steps": 600}]
    page = page_of(written["finished"](tmp_path, {"haf": {"ffm": [1, 2]}, "gradient": {"stages": stages}}))
    check(page)
    assert len(page.labels("Winner: w48 ffm ")) == 1
    assert "both ffm" in [text for _, text in page.marks]


def test_names_and_notes_are_text_and_no_markup(written, tmp_path):
    folder = written["finished"](tmp_path, {"name": MARKUP, "task": f"task {MARKUP}"}, notes=(f"note {MARKUP}",))
    page = page_of(folder)
    check(page)
    for words in (f"task {MARKUP}", f"note {MARKUP}"):
        assert words in page.text
    assert page.texts.count(MARKUP) == 1  # the heading
    assert "<b>&#34;one" not in page.html


def test_the_picture_has_the_colours_of_the_page(pages):
    page = pages["finished"]
    drawn = page.html[page.html.index('aria-label="Winner') :].partition("</svg>")[0]
    assert "var(--card)" in drawn
    assert not re.search("#[0-9a-f]{6}", drawn)
    assert page.html.count("<style") == 1


@pytest.mark.parametrize("kind", ["finished", "tried", "swept"])
def test_the_same_folder_gives_the_same_file(kind, done, tmp_path):
    copy = shutil.copytree(done[kind], tmp_path / "copy")
    assert write_page(copy).read_bytes() == (done[kind] / PAGE).read_bytes()


def test_a_folder_without_a_search_is_an_error(tmp_path):
    with pytest.raises(RecipeError, match=r"recipe\.yaml"):
        write_page(tmp_path)


def test_a_damaged_winner_is_an_error(written, tmp_path):
    folder = written["finished"](tmp_path)
    (folder / WINNER).write_text("{")
    with pytest.raises(SearchError, match=r"winner\.json"):
        write_page(folder)


def test_a_page_that_cannot_be_written_is_an_error(written, tmp_path):
    folder = written["finished"](tmp_path)
    (folder / PAGE).mkdir()
    with pytest.raises(ImageWriteError, match=r"search\.html"):
        write_page(folder)
