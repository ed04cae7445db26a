from __future__ import annotations

import time
from dataclasses import fields, replace

import numpy as np
import pytest

from imfuse.lab.bench.evaluation import Evaluation
from imfuse.lab.bench.statistics.significance import PairedTests
from imfuse.lab.bench.statistics.summary import WORST, Summary, summarise
from imfuse.lab.metrics.registry import METRICS

NAN, INF = float("nan"), float("inf")


@pytest.fixture
def small(make_evaluation) -> Evaluation:
    """Two methods and a reference in two metrics, one of them an error; everything is known by hand."""
    return make_evaluation(
        {
            "ours": [[7.0, 8.0, 9.0], [0.1, 0.2, 0.3]],
            "theirs": [[6.0, 9.0, 6.0], [0.4, 0.1, 0.4]],
            "Average": [[1.0, 2.0, 3.0], [0.0, 0.0, 0.3]],
        },
        ("EN", "MSE"),
    )


def test_a_small_table_is_as_computed_by_hand(small):
    summary = summarise(small)
    np.testing.assert_allclose(summary.means, [[8, 0.2], [7, 0.3], [2, 0.1]])
    np.testing.assert_allclose(summary.deviations[:, 0], [1, np.sqrt(3), 1])
    assert summary.ranks.tolist() == [[1, 2], [2, 3], [3, 1]]
    assert summary.mean_ranks.tolist() == [1.5, 2.5, 2.0]
    assert summary.mean_ranks_without_noise.tolist() == [2, 3, 1]  # of MSE alone
    assert summary.order == (0, 2, 1)
    assert summary.best.tolist() == [[True, False], [False, False], [False, True]]
    assert summary.second.tolist() == [[False, True], [True, False], [False, False]]
    assert summary.best_method.tolist() == [[True, True], [False, False], [False, False]]
    np.testing.assert_allclose(summary.normalised, [[1, 0.5], [5 / 6, 0], [0, 1]])
    np.testing.assert_allclose(summary.scene_ranks[:, 1], [[2, 3, 1], [3, 2, 3], [1, 1, 1]])
    np.testing.assert_allclose(summary.scene_mean_ranks, [[1.5, 2.5, 1], [2.5, 1.5, 2.5], [2, 2, 2]])
    assert summary.worst[1, 0].tolist() == [0, 2, 1, -1, -1]
    assert summary.worst[1, 1].tolist() == [0, 2, 1, -1, -1]
    assert summary.worst.shape == (3, 2, WORST)
    assert summary.images.tolist() == [3, 3, 3]


def test_ranks_are_those_of_the_table_in_the_benchmarks(make_evaluation):
    values = np.random.default_rng(0).integers(0, 4, size=(6, 10, 3)).astype(float)
    metrics = ("EN", "SD", "SF", "AG", "MI", "SCD", "VIF", "Qabf", "SSIM", "CC")
    summary = summarise(make_evaluation({f"m{i}": rows for i, rows in enumerate(values)}, metrics))
    mean = values.sum(axis=2)
    expected = [np.mean([1 + sum(other[k] > row[k] for other in mean) for k in range(10)]) for row in mean]
    np.testing.assert_allclose(summary.mean_ranks, expected)


def test_means_are_over_each_methods_images_and_ranks_over_those_of_all(make_evaluation):
    evaluation = make_evaluation({"a": [[1.0, 5.0, 9.0]], "b": [[2.0, 6.0, NAN]]}, ["EN"])
    summary = summarise(evaluation)
    assert summary.means.ravel().tolist() == [5, 4]
    assert summary.compared_means.ravel().tolist() == [3, 4]
    assert summary.ranks.ravel().tolist() == [2, 1]
    assert summary.images.tolist() == [3, 2]
    assert summary.counts.tolist() == [[3], [2]]
    assert summary.compared.tolist() == [[True, True, False]]
    assert summary.ranked_scenes.tolist() == [True, True, False]
    assert np.isnan(summary.scene_mean_ranks[:, 2]).all()
    assert summary.worst[1, 0, :3].tolist() == [0, 1, -1]


def test_all_metrics_of_the_mean_rank_are_compared_over_the_same_images(make_evaluation):
    values = {"a": [[1.0, 9.0], [2.0, NAN], [1.0, 9.0]], "b": [[2.0, 2.0], [1.0, 1.0], [2.0, 2.0]]}
    summary = summarise(make_evaluation(values, ["EN", "CC", "SD"], ranked=["EN", "CC"]))
    assert summary.compared.tolist() == [[True, False], [True, False], [True, True]]
    assert summary.ranks.tolist() == [[2, 1, 1], [1, 2, 2]]


def test_a_metric_that_some_method_never_has_is_not_ranked_over(make_evaluation):
    evaluation = make_evaluation(
        {"a": [[1.0, 2.0], [1.0, 1.0]], "b": [[3.0, 4.0], [0.5, NAN]], "Average": [[2.0, 3.0], [NAN, NAN]]},
        ["EN", "CC"],
    )
    summary = summarise(evaluation)
    assert summary.ranked == ("EN",)
    assert summary.mean_ranks.tolist() == [3, 1, 2]
    assert summary.compared.tolist() == [[True, True], [True, False]]
    np.testing.assert_array_equal(summary.ranks[:, 1], [1, 2, NAN])
    np.testing.assert_array_equal(summary.normalised[:, 1], [1, 0, NAN])


def test_a_method_without_images_holds_nobody_back(make_evaluation):
    with_empty = make_evaluation({"a": [[1.0, 2.0]], "empty": [[NAN, NAN]], "b": [[3.0, 1.0]]}, ["EN"])
    summary = summarise(with_empty)
    np.testing.assert_array_equal(summary.mean_ranks, [2, NAN, 1])
    assert np.isfinite(summary.mean_rank_low).tolist() == [True, False, True]
    assert summary.order == (2, 0, 1)
    assert summary.ranked_scenes.all()
    assert np.isnan(summary.rank_tests.raw[0, 1])


def test_methods_that_share_no_image_are_not_ranked(make_evaluation):
    summary = summarise(make_evaluation({"a": [[1.0, NAN]], "b": [[NAN, 2.0]]}, ["EN"]))
    assert summary.ranked == ()
    assert np.isnan(summary.mean_ranks).all()
    assert np.isnan(summary.ranks).all()
    assert not summary.best.any()
    assert summary.means.ravel().tolist() == [1, 2]


def test_without_ranked_metrics_there_is_no_mean_rank(make_evaluation):
    summary = summarise(make_evaluation({"a": [[1.0, 3.0]], "b": [[2.0, 2.5]]}, ["EN"], ranked=[]))
    assert np.isnan(summary.mean_ranks).all()
    assert summary.ranks.ravel().tolist() == [2, 1]


def test_a_perfect_image_makes_the_mean_infinite_and_the_method_first(make_evaluation):
    values = {"perfect": [[30.0, INF, 20.0]], "good": [[40.0, 41.0, 42.0]], "also": [[INF, 1.0, 2.0]]}
    summary = summarise(make_evaluation(values, ["PSNR"]))
    assert summary.means.ravel().tolist() == [INF, 41, INF]
    assert summary.ranks.ravel().tolist() == [1, 3, 1]
    assert np.isnan(summary.deviations[[0, 2]]).all()
    assert summary.worst[0, 0, :3].tolist() == [2, 0, 1]
    assert summary.normalised.ravel().tolist() == [1, 1, 1]


def test_one_image_has_intervals_without_width(make_evaluation):
    summary = summarise(make_evaluation({"a": [[1.0]], "b": [[2.0]]}, ["EN"]))
    np.testing.assert_array_equal(summary.mean_low, summary.means)
    np.testing.assert_array_equal(summary.mean_rank_low, summary.mean_rank_high)
    assert summary.metric_tests.raw.tolist() == [[[1, 1], [1, 1]]]
    assert np.isnan(summary.deviations).all()


def test_the_order_of_the_methods_changes_nothing_but_the_order(make_evaluation):
    generator = np.random.default_rng(0)
    values = generator.normal(size=(7, 4, 23))
    values[3] = values[1]
    values[2, :, 5] = NAN
    values[4, 3, 6] = INF
    evaluation = make_evaluation({f"m{i}": rows for i, rows in enumerate(values)}, ["EN", "MSE", "SD", "PSNR"])
    order = generator.permutation(7)
    turned = replace(evaluation, methods=tuple(evaluation.methods[i] for i in order), values=values[order])
    first, second = summarise(evaluation, resamples=300), summarise(turned, resamples=300)
    for field in fields(Summary):
        was, now = getattr(first, field.name), getattr(second, field.name)
        if isinstance(was, PairedTests):
            np.testing.assert_allclose(now.corrected, was.corrected[..., order, :][..., order], rtol=1e-9)
        elif isinstance(was, np.ndarray) and len(was) == 7:
            np.testing.assert_allclose(now, was[order], rtol=1e-9, err_msg=field.name)
        elif field.name != "order":
            np.testing.assert_array_equal(now, was, err_msg=field.name)


def test_intervals_of_the_mean_rank_narrow_with_more_images(make_evaluation):
    generator = np.random.default_rng(0)
    widths = []
    for count in (10, 1000):
        values = {f"m{i}": generator.normal(0.1 * i, 1, size=(6, count)) for i in range(5)}
        summary = summarise(make_evaluation(values, ["EN", "SD", "SF", "AG", "MI", "CC"]), resamples=500)
        assert (summary.mean_rank_low <= summary.mean_rank_high).all()
        widths.append((summary.mean_rank_high - summary.mean_rank_low).mean())
    assert widths[1] < widths[0] / 2


def test_twenty_methods_on_two_hundred_images_take_seconds_at_most(make_evaluation):
    values = np.random.default_rng(0).normal(size=(20, 13, 200))
    evaluation = make_evaluation({f"m{i}": rows for i, rows in enumerate(values)}, list(METRICS)[:13])
    start = time.perf_counter()
    summarise(evaluation, resamples=2000)
    assert time.perf_counter() - start < 10  # half a second on a free core
