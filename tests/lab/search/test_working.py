"""One process at a time in the folder of a search, and words for what cannot be written there."""

from __future__ import annotations

import pytest

from imfuse.errors import SearchError
from imfuse.lab.search.record import TRAINING
from imfuse.lab.search.working import only_process, writing_in


def test_one_process_at_a_time_works_in_a_folder_and_stands_for_those_it_started(tmp_path):
    pytest.importorskip("fcntl")
    folder = tmp_path / "a/b"
    with only_process(folder, first=True):
        with only_process(folder, first=False):
            pass
        with pytest.raises(SearchError, match=r"b: another process works .*-o"), only_process(folder, first=True):
            pass
    with only_process(folder, first=True):
        pass


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "file").touch()
    message = r"file: no folder to search in \(it is a file\); choose another one by -o"
    with pytest.raises(SearchError, match=message), only_process(tmp_path / "file", first=True):
        pass


def test_a_file_that_cannot_be_written_is_named_with_what_to_do(tmp_path):
    (tmp_path / TRAINING).touch()
    message = r"training/logs: cannot be written \(not a directory\); see that .* can be written in .*another .* by -o"
    with pytest.raises(SearchError, match=message), writing_in(tmp_path):
        (tmp_path / TRAINING / "logs").mkdir()
    with pytest.raises(FileNotFoundError), writing_in(tmp_path / "run"):
        (tmp_path / "elsewhere").read_bytes()
