from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.remarks import remarks
from imfuse.lab.bench.remarks.data import listed
from imfuse.lab.bench.remarks.noise import NoiseLevels
from imfuse.lab.bench.statistics import summarise

NAN, INF = float("nan"), float("inf")
IMAGES = 30


def said(evaluation: Evaluation, noise: NoiseLevels | None = None) -> str:
    return "\n".join(remarks(evaluation, summarise(evaluation, resamples=300), noise))


def around(*means: float, count: int = IMAGES, seed: int = 0) -> np.ndarray:
    """Values `(metrics, images)` close to the means."""
    return np.array(means)[:, None] + np.random.default_rng(seed).normal(0, 1e-3, (len(means), count))


@pytest.fixture
def clear(make_evaluation) -> Evaluation:
    """Thirty images, a method that is best in everything on each of them, and another."""
    return make_evaluation({"ours": around(2, 2, seed=1), "theirs": around(1, 1, seed=2)}, ["VIF", "EN"])


def test_nothing_is_said_where_all_is_well(clear):
    assert said(clear) == ""


def test_few_images_make_wide_intervals(make_evaluation):
    generator = np.random.default_rng(0)
    evaluation = make_evaluation({f"m{i}": generator.normal(size=(4, 8)) for i in range(4)}, ["VIF", "EN", "CC", "SD"])
    summary = summarise(evaluation)
    first = summary.order[0]
    low, high = summary.mean_rank_low[first], summary.mean_rank_high[first]
    text = "\n".join(remarks(evaluation, summary))
    assert f"Only 8 images: the mean rank of m{first}, {summary.mean_ranks[first]:.1f}, has a 95 % interval" in text
    assert f"from {low:.1f} to {high:.1f}. That is {high - low:.1f} wide" in text


def test_twenty_images_are_not_few_and_one_has_no_interval(make_evaluation):
    metrics = ["VIF", "EN"]
    for count, words in ((20, ""), (19, "Only 19 images"), (1, "Only 1 image: ")):
        values = {"ours": around(2, 2, count=count, seed=1), "theirs": around(1, 1, count=count, seed=2)}
        text = said(make_evaluation(values, metrics))
        assert words in text
        assert ("Only" in text) == bool(words)


def test_an_interval_without_width_is_not_called_wide(make_evaluation):
    values = {"ours": around(2, 2, count=12, seed=1), "theirs": around(1, 1, count=12, seed=2)}
    text = said(make_evaluation(values, ["VIF", "EN"]))
    assert text == "Only 12 images: on others the methods may well rank otherwise."


def test_it_is_told_how_many_images_a_difference_needs(make_evaluation):
    words = "With 3 rows (3 pairs) at least 7 images are needed before any difference could show at p < 0.05; here are"
    for count in (6, 7):
        values = {name: around(k, k, count=count, seed=k) for k, name in enumerate(["ours", "theirs", "Average"])}
        evaluation = make_evaluation(values, ["VIF", "EN"])
        assert (summarise(evaluation).rank_tests.corrected[0, 1] < 0.05) == (count == 7)
        assert (f"{words} 6." in said(evaluation)) == (count == 6)


def test_missing_images_are_counted_by_method(make_evaluation):
    values = {"ours": around(2, 2), "theirs": around(1, 1), "none": np.full((2, IMAGES), NAN)}
    values["theirs"][:, :3] = NAN
    text = said(make_evaluation(values, ["VIF", "EN"]))
    assert "Ranks and tests are over the 27 of 30 images that every method has: theirs lacks 3." in text
    assert "none has no image that could be measured, and no rank." in text


def test_methods_without_a_common_image_are_not_ranked(make_evaluation):
    text = said(make_evaluation({"ours": [[1.0, NAN]], "theirs": [[NAN, 1.0]]}, ["EN"]))
    assert "nothing is ranked: of 2 images ours lacks 1 and theirs lacks 1." in text


def test_a_metric_left_out_of_the_mean_rank_is_named_with_the_reason(make_evaluation):
    values = {"ours": around(2, 2), "theirs": around(1, 1)}
    values["theirs"][1] = NAN
    assert "EN is left out of the mean rank, because theirs has no value of it." in said(
        make_evaluation(values, ["VIF", "EN"])
    )


def test_methods_with_equal_values_are_suspected_of_being_the_same(make_evaluation):
    values = {"ours": around(2, 2), "copy": around(2, 2), "theirs": around(1, 1, seed=3), "Maximum": around(0, 0)}
    text = said(make_evaluation(values, ["VIF", "EN"]))
    assert "ours and copy have the same values in every image: are the pictures the same?" in text
    assert "theirs" not in text
    values["copy"] = around(2, 2, seed=9)
    values["copy"][:, 4] = values["ours"][:, 4]
    assert "ours and copy have the same values in 1 of 30 images" in said(make_evaluation(values, ["VIF", "EN"]))


def test_a_method_that_is_a_reference_is_found_out(make_evaluation):
    values = {"ours": around(2, 2), "theirs": around(1, 1, seed=1), "Average": around(2, 2)}
    assert "ours and Average have the same values in every image" in said(make_evaluation(values, ["VIF", "EN"]))


def test_infinite_values_are_counted(make_evaluation):
    values = {"ours": around(40), "theirs": around(30, seed=1)}
    values["ours"][0, :2] = INF
    assert "PSNR is infinite for ours (2 images)" in said(make_evaluation(values, ["PSNR"]))


def test_other_conventions_are_named(clear):
    text = said(replace(clear, conventions={"VIF": "wide", "EN": "imfuse"}))
    assert "By a convention other than imfuse's: VIF (wide)." in text


def test_methods_that_the_images_do_not_tell_apart_are_named_with_their_p(make_evaluation):
    generator = np.random.default_rng(0)
    values = {name: generator.normal(size=(3, IMAGES)) for name in ("a", "b")} | {"c": around(-9, -9, -9)}
    evaluation = make_evaluation(values, ["VIF", "EN", "CC"])
    summary = summarise(evaluation)
    first, second, _ = (evaluation.methods[i].name for i in summary.order)
    p = summary.rank_tests.corrected[0, 1]
    assert p >= 0.05
    text = said(evaluation)
    assert f"Ranks over 30 images do not tell {first} from {second} (p = {p:.2g}): signed-rank test" in text
    assert "c (p" not in text


def test_a_lead_in_the_means_that_most_images_contradict_is_remarked_on(make_evaluation):
    values = {"peaks": around(1.0, seed=1), "steady": around(1.1, seed=2)}
    values["peaks"][0, :3] = 50
    text = said(make_evaluation(values, ["EN"]))
    assert "Ranked image by image steady leads (1.10), not peaks (1.90)" in text


def test_a_lead_that_rests_on_metrics_that_reward_noise_is_remarked_on(make_evaluation):
    metrics = ["EN", "SD", "VIF", "Qabf"]
    values = {"rough": around(5, 5, 1, 2), "fine": around(4, 3, 2, 3, seed=1), "third": around(3, 4, 3, 1, seed=2)}
    evaluation = make_evaluation(values, metrics)
    text = said(evaluation)
    assert summarise(evaluation).mean_ranks.tolist() == [1.75, 2.0, 2.25]
    assert "The lead of rough rests on EN and SD" in text
    assert "without them fine leads with a mean rank of 1.50 against 2.50" in text


def test_a_shared_lead_rests_on_nothing(make_evaluation):
    evaluation = make_evaluation(constant(rough=(5, 1), fine=(4, 2), other=(1, 0)), ["EN", "VIF"])
    assert summarise(evaluation).mean_ranks.tolist() == [1.5, 1.5, 3]
    assert "rests on" not in said(evaluation)


def test_a_ranking_over_nothing_but_metrics_that_reward_noise_is_remarked_on(make_evaluation):
    values = {"ours": around(2, 2, 1), "theirs": around(1, 1, 2, seed=1)}
    text = said(make_evaluation(values, ["EN", "SD", "VIF"], ranked=["EN", "SD"]))
    assert "Every metric of the mean rank gets better with noise in the image: EN and SD." in text


def test_a_lead_that_survives_without_them_is_not(clear):
    assert "rests on" not in said(clear)


def test_noise_beyond_the_sources_is_told_with_what_it_gains(make_evaluation):
    values = {"rough": around(5, 5, 1), "fine": around(4, 4, 2, seed=1)}
    evaluation = make_evaluation(values, ["EN", "SD", "VIF"])
    noise = NoiseLevels(np.array([[4.0, 5.0, NAN], [1.2, 1.3, 1.1]]), np.array([1.0, 1.0, 1.0]))
    text = said(evaluation, noise)
    assert "rough adds noise or sharpens it" in text
    assert "deviation of 4.5 of 255 levels, theirs 1.0 (median of 2 images)" in text
    assert "Noise raises EN and SD; without them its mean rank is 2.0, not 1.3." in text
    assert "fine adds noise" not in text


def test_noise_that_gains_nothing_is_told_alone(clear):
    noise = NoiseLevels(np.array([[9.0], [1.0]]), np.array([1.0]))
    assert said(clear, noise).endswith("theirs 1.0 (median of 1 image).")


def test_references_that_beat_every_method_are_told_with_the_figures(make_evaluation):
    values = {
        "ours": (3.1, 0.70, 0.05),
        "theirs": (2.5, 0.71, 0.04),
        "Average": (2.0, 0.76, 0.03),
        "Maximum": (4.2, 0.69, 0.06),
    }
    columns = {name: np.tile(np.array(row)[:, None], IMAGES) for name, row in values.items()}
    text = said(make_evaluation(columns, ["MI", "SSIM", "MSE"]))
    assert "The pixel maximum is better than every method in MI (4.2; ours 3.1): " in text
    assert (
        "The pixel average is better than every method in SSIM (0.76; theirs 0.71) and MSE (0.03; theirs 0.04): "
        in text
    )
    assert "No method has as good a mean rank as the pixel average (2.0)" in text


def constant(**rows: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Values `(metrics, images)` of each method, the same on every image."""
    return {name: np.tile(np.array(row)[:, None], IMAGES) for name, row in rows.items()}


def test_a_reference_that_is_better_by_nothing_that_shows_is_not_told(make_evaluation):
    columns = constant(ours=(0.7140, 2.0), theirs=(0.6, 1.0), Average=(0.7141, 2.1))
    text = said(make_evaluation(columns, ["SSIM", "MI"]))
    assert "The pixel average is better than every method in MI (2.1; ours 2): " in text


def test_a_method_that_beats_others_only_where_the_maximum_does_too_is_named(make_evaluation):
    metrics = ["SD", "EN", "SSIM", "VIF"]
    columns = constant(
        bright=(9, 8, 1, 1), fine=(5, 5, 3, 3), poor=(1, 1, 2, 2), Average=(2, 2, 9, 1), Maximum=(8, 9, 0, 0)
    )
    text = said(make_evaluation(columns, metrics))
    assert "bright beats the other methods only in SD and EN, where the pixel maximum would beat them too." in text
    assert "fine beats" not in text  # of VIF no reference has as much
    assert "poor beats" not in text
    columns = constant(bright=(9, 8, 1, 1), fine=(5, 5, 3, 3), Average=(8, 6, 2, 2), Maximum=(8, 9, 0, 0))
    text = said(make_evaluation(columns, metrics))
    assert "in SD and EN, where the pixel average and the pixel maximum would beat them too." in text


def test_all_metrics_are_called_every_metric(make_evaluation):
    text = said(make_evaluation(constant(bright=(3, 3), fine=(1, 1), Maximum=(5, 4)), ["VIF", "SSIM"]))
    assert "better than every method in every metric: VIF (5; bright 3) and SSIM (4; bright 3)." in text
    assert "bright beats the other methods in every metric, where the pixel maximum would beat them too." in text


def test_a_win_in_what_the_mean_rank_leaves_out_counts_for_nothing(make_evaluation):
    columns = constant(bright=(9, 8), fine=(5, 5), Maximum=(8, 1))
    assert "bright beats" not in said(make_evaluation(columns, ["SD", "MSE"], ranked=["MSE"]))
    assert "bright beats the other methods only in SD" in said(make_evaluation(columns, ["SD", "VIF"], ranked=["SD"]))
    assert "beats the other" not in said(make_evaluation(columns, ["SD", "VIF"]))


def test_a_method_alone_beats_no_others(make_evaluation):
    assert "beats the other" not in said(make_evaluation(constant(ours=(2, 1), Maximum=(1, 2)), ["SD", "VIF"]))


def test_a_table_of_references_alone_has_no_leader(make_evaluation):
    values = {"Average": around(1, 2), "Maximum": around(2, 1, seed=1)}
    assert said(make_evaluation(values, ["VIF", "EN"])) == ""


def test_lists_read_as_sentences():
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(list("abcdefg")) == "a, b, c, d, e and 2 more"
