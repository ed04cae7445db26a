"""Scenes from folders: paired by stem, 8-bit luma, large enough for a patch, kept while memory allows."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from imfuse.errors import ImageReadError, PairingError, RecipeError, SourceError
from imfuse.lab.data.stacks import FolderScenes, SceneCache, eight_bits, reflect_up
from imfuse.runtime.fuser import Fuser

NAMES = ("infrared", "visible", "third")


def write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    assert cv2.imwrite(str(path), pixels)


def folder_scenes(folders: tuple[Path, ...], smallest: int = 1, memory: int = 10**6) -> FolderScenes:
    return FolderScenes("own", folders, NAMES[: len(folders)], SceneCache(memory), smallest)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    generator = np.random.default_rng(0)
    for stem in ("one", "two"):
        write(tmp_path / "ir" / f"{stem}.png", generator.integers(0, 256, (20, 30), dtype=np.uint8))
        write(tmp_path / "vis" / f"{stem}.bmp", generator.integers(0, 256, (20, 30, 3), dtype=np.uint8))
    return tmp_path / "ir", tmp_path / "vis"


def test_files_of_one_stem_become_a_scene_of_luma(folders):
    scenes = folder_scenes(folders)
    assert len(scenes) == 2
    assert scenes[0].shape == (2, 20, 30)
    assert scenes[0].dtype == np.uint8
    blue, green, red = np.moveaxis(cv2.imread(str(folders[1] / "one.bmp")).astype(float), 2, 0)
    expected = 0.299 * red + 0.587 * green + 0.114 * blue
    assert np.abs(scenes[0][1] - expected).max() <= 0.51


def test_more_than_two_sources_are_read(folders, tmp_path):
    for path in sorted(folders[0].iterdir()):
        write(tmp_path / "third" / path.name, cv2.imread(str(path)))
    scene = folder_scenes((*folders, tmp_path / "third"))[1]
    assert scene.shape == (3, 20, 30)
    assert np.abs(scene[0].astype(int) - scene[2]).max() <= 1


def test_scenes_smaller_than_the_patch_are_reflected_up(folders):
    scene = folder_scenes(folders, smallest=64)[0]
    assert scene.shape == (2, 64, 64)
    assert (scene[:, 20] == scene[:, 18]).all()


def test_even_one_pixel_can_be_reflected_up():
    assert (reflect_up(np.full((2, 1, 1), 7, np.uint8), 16) == np.full((2, 16, 16), 7)).all()


def test_raw_thermal_of_16_bits_is_well_exposed():
    raw = np.random.default_rng(0).integers(7000, 8000, (64, 64)).astype(np.uint16)
    assert eight_bits(raw, "infrared").std() > 60
    assert (eight_bits(raw, "thermal") == eight_bits(raw, "infrared")).all()


def test_other_sources_of_16_bits_keep_the_range_of_their_type():
    deep = np.array([[0, 257 * 100, 65535]], np.uint16)
    for source in ("visible", "ct", "A"):
        assert eight_bits(deep, source).tolist() == [[0, 100, 255]]


@pytest.mark.parametrize("source", NAMES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_network_is_trained_on_the_values_that_the_fuser_shows_it(source, dtype):
    class Keeping:
        def run(self, sources):
            self.seen = sources[0]
            return sources[0]

    engine = Keeping()
    random = np.random.default_rng(0).uniform(0.2, 0.4, (16, 20, 3))
    pixels = (random * (1 if dtype == np.float32 else np.iinfo(dtype).max)).astype(dtype)
    Fuser(engine, sources=(source, "other"))(pixels, pixels[..., 0])
    assert np.abs(eight_bits(pixels, source) - 255 * engine.seen).max() <= 0.51


def test_scenes_are_read_once_while_memory_allows(folders):
    kept, forgotten = folder_scenes(folders), folder_scenes(folders, memory=0)
    assert kept[0] is kept[0]
    assert forgotten[0] is not forgotten[0]
    assert (kept[0] == forgotten[0]).all()


def test_sources_of_different_size_are_refused_with_their_names(folders):
    write(folders[0] / "one.png", np.zeros((8, 8), np.uint8))
    with pytest.raises(SourceError, match=r"one\.png \(8, 8\), .*one\.bmp \(20, 30\)"):
        folder_scenes(folders)[0]


def test_a_damaged_file_is_named(folders):
    (folders[0] / "one.png").write_bytes(b"no image")
    with pytest.raises(ImageReadError, match="one"):
        folder_scenes(folders)[0]


def test_files_without_a_partner_are_left_out_and_known(folders):
    write(folders[0] / "three.png", np.zeros((8, 8), np.uint8))
    scenes = folder_scenes(folders)
    assert (len(scenes), scenes.unmatched) == (2, (folders[0] / "three.png",))


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(RecipeError, match=r"own.*no folder .*absent"):
        folder_scenes((tmp_path / "absent", tmp_path))


def test_folders_without_a_common_stem_are_refused(tmp_path):
    write(tmp_path / "ir" / "a.png", np.zeros((8, 8), np.uint8))
    write(tmp_path / "vis" / "b.png", np.zeros((8, 8), np.uint8))
    with pytest.raises(PairingError, match=r"a\.png"):
        folder_scenes((tmp_path / "ir", tmp_path / "vis"))
