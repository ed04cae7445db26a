"""The frame of pages: blocks, escaped texts, styles, scripts only where there are any, and nothing from elsewhere."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from imfuse.lab.page import render


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "own.jinja").write_text(
        '{% extends "base.html.jinja" %}{% block main %}<p>{{ words }}</p>{% endblock %}'
        "{% block scripted %}<i></i>{% endblock %}"
    )
    (tmp_path / "style.css").write_text("p { color: red; }")
    (tmp_path / "one.js").write_text("1 < 2;\n")
    (tmp_path / "two.js").write_text("2 < 3;\n")
    return tmp_path


def test_texts_are_escaped_and_markup_is_not(folder):
    page = render(folder, "own.jinja", "A & <b>", {"words": "1 < 2"}).decode()
    assert "<h1>A &amp; &lt;b&gt;</h1>" in page
    assert "<title>A &amp; &lt;b&gt; · imfuse</title>" in page
    assert "<p>1 &lt; 2</p>" in page
    assert "<p><hr></p>" in render(folder, "own.jinja", "", {"words": Markup("<hr>")}).decode()


def test_the_style_of_a_page_follows_the_base(folder):
    page = render(folder, "own.jinja", "", {"words": ""}).decode()
    assert page.index("--page:") < page.index("p { color: red; }") < page.index("</style>")


def test_scripts_are_allowed_only_where_there_are_any(folder):
    silent = render(folder, "own.jinja", "", {"words": ""}).decode()
    assert "script" not in silent
    assert "<i>" not in silent
    scripted = render(folder, "own.jinja", "", {"words": ""}, ("one.js", "two.js")).decode()
    assert "<script>\n1 < 2;\n2 < 3;\n" in scripted
    assert "script-src 'unsafe-inline'" in scripted
    assert "<i></i>" in scripted


def test_a_value_that_the_template_lacks_is_an_error(folder):
    with pytest.raises(UndefinedError, match="words"):
        render(folder, "own.jinja", "", {})


def test_a_text_with_half_a_surrogate_pair_can_be_written(folder):
    assert rb"\ud800" in render(folder, "own.jinja", "\ud800", {"words": ""})


def test_the_base_of_style_names_no_other_file():
    style = files("imfuse.lab.page").joinpath("base.css").read_text()
    assert "prefers-color-scheme: dark" in style
    assert not re.search(r"@import|url\(|https?:", style)
