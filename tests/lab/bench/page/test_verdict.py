"""The first sentences of the page."""

from __future__ import annotations

import numpy as np

from imfuse.lab.bench.page.verdict import verdict
from imfuse.lab.bench.statistics import summarise

IMAGES = 20


def said(evaluation):
    return verdict(evaluation, summarise(evaluation, resamples=50))


def rows(*shifts: float, noise: float = 0.1) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [shift + noise * generator.normal(size=(2, IMAGES)) for shift in shifts]


def test_a_lead_in_every_image_is_clear(make_evaluation):
    low, middle, high = rows(1, 2, 3)
    found = said(make_evaluation({"low": low, "high": high, "middle": middle}, ("VIF", "SSIM")))
    assert (found["first"], found["second"], found["rank"], found["second_rank"]) == (1, 2, "1.00", "2.00")
    assert found["sentence"] == "Image by image high is clearly ahead of middle."
    assert found["p"] == "< 0.001"


def test_a_lead_by_chance_is_none(make_evaluation):
    names, (first, second) = ("first", "second"), rows(1, 1)
    found = said(make_evaluation({"first": first, "second": second}, ("VIF", "SSIM")))
    assert found["sentence"] == f"These images do not tell {names[found['first']]} from {names[found['second']]}."
    assert found["ahead"] == []
    assert found["p"].startswith("= ")


def test_a_lead_by_one_image_is_not_taken_for_one_in_all(make_evaluation):
    usual, outlier = rows(1.5, 1)
    outlier[:, 0] = 100
    found = said(make_evaluation({"usual": usual, "outlier": outlier}, ("VIF", "SSIM")))
    assert found["first"] == 1
    assert found["sentence"] == "Image by image usual is clearly ahead of outlier."


def test_a_clear_lead_over_the_second_says_what_is_not_told_from_the_first(make_evaluation):
    first, second, third = rows(3, 2, 1, noise=0)
    third[:, :11] = 4
    third[:, 11:] = -3
    evaluation = make_evaluation({"first": first, "second": second, "third": third}, ("VIF", "SSIM"))
    found = said(evaluation)
    assert found["sentence"] == (
        "Image by image first is clearly ahead of second, but these images do not tell first from third."
    )


def test_references_do_not_lead(make_evaluation):
    low, high = rows(1, 2)
    found = said(make_evaluation({"mine": low, "Average": high}, ("VIF", "SSIM")))
    assert (found["first"], found["second"], found["p"]) == (0, None, "")
    assert found["ahead"] == [{"words": "pixel average", "rank": "1.00"}]


def test_without_ranked_metrics_there_is_none(make_evaluation):
    assert said(make_evaluation({"mine": rows(1)[0]}, ("VIF", "SSIM"), ranked=())) is None
