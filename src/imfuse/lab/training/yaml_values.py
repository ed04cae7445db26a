"""Values as YAML writes them, in files and on the command line (no torch)."""

from __future__ import annotations

import re
from typing import Any


def read_value(text: str) -> Any:
    """What YAML says, which here takes 1e-4 as a number too; YAML 1.1 takes it as text for want of a point.

    >>> read_value("{rate: 1e-4, steps: [1, 2]}")
    {'rate': 0.0001, 'steps': [1, 2]}

    Raises:
        yaml.YAMLError: it is no YAML.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        """Has its own list of what is a number."""

    number = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$")
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", number, list("-+0123456789."))
    return yaml.load(text, Loader)


def said(value: Any) -> Any:
    """What text says; other values, and text that is no YAML, as they are.

    >>> said("[1, 2]"), said("[1, 2"), said(3)
    ([1, 2], '[1, 2', 3)
    """
    import yaml

    try:
        return read_value(value) if isinstance(value, str) else value
    except yaml.YAMLError:
        return value
