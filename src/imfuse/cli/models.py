"""`imfuse models`: the cards of the bundled networks, and the classical methods, as a table."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

    from imfuse.runtime.card import ModelCard

VGA = 640 * 480
ANY = "any number"
LARGEST_CHANGE = 2
"""Of equal sources, in 1/255, that is not worth a word."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="print the cards in full as one JSON list")


def run(arguments: Namespace) -> int:
    """Show what `--model` takes.

    Raises:
        ModelError: a card is damaged.
    """
    from imfuse.runtime.card import ModelCard
    from imfuse.runtime.models import ZOO, bundled_models

    cards = [ModelCard.read(ZOO / name) for name in bundled_models()]
    if arguments.json:
        from imfuse.cli._report import print_json

        print_json([*(asdict(card) | {"kind": "network"} for card in cards), *_classical_records()])
        return 0
    _print_table(cards)
    return 0


def _classical_records() -> list[dict[str, Any]]:
    from imfuse.classical import METHODS

    return [
        {
            "name": method.name,
            "task": method.task,
            "sources": None,
            "symmetric": True,
            "margin": method.margin,
            "size_multiple": method.size_multiple,
            "kind": "classical",
        }
        for method in METHODS.values()
    ]


def _notes(card: ModelCard) -> list[str]:
    """What to know before the model is used: its remark, and where it is less than the others."""
    notes = [card.remark] if card.remark else []
    if card.margin is None:
        notes.append("pictures are fused whole, not in tiles")
    if card.equal_sources_error > LARGEST_CHANGE:
        notes.append(f"changes equal sources by up to {card.equal_sources_error:g} of 255")
    return notes


def _print_table(cards: list[ModelCard]) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("model", "what it fuses", "sources", "parameters", "MMAC at VGA", box=box.SIMPLE)
    table.columns[0].no_wrap = True
    for column in table.columns[3:]:
        column.justify = "right"
    for card in cards:
        cost = f"{card.macs_per_pixel * VGA / 1e6:,.0f}"
        sources = ANY if card.symmetric else ", ".join(card.sources)
        about = escape("\n".join([card.task, *_notes(card)]))
        table.add_row(card.name, about, sources, f"{card.parameters:,}", cost)
    table.add_section()
    for record in _classical_records():
        table.add_row(record["name"], record["task"], ANY, "none", "")
    Console().print(table)
