"""Reading, writing and listing picture files, as a user meets them."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image as PilImage

from imfuse.errors import ImageReadError, ImageWriteError
from imfuse.images.files import READ_SUFFIXES, WRITE_SUFFIXES, list_images, read_image, write_image

DEPTHS = {".png": ("uint8", "uint16"), ".tif": ("uint8", "uint16", "float32"), ".tiff": ("uint8",), ".bmp": ("uint8",)}


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Root may read and write everything, so these tests run as nobody."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def grey_ramp(height: int = 6, width: int = 8) -> np.ndarray[Any, Any]:
    return np.arange(height * width, dtype=np.uint8).reshape(height, width)


@st.composite
def pictures(draw: st.DrawFn) -> tuple[str, np.ndarray[Any, Any], np.ndarray[Any, Any] | None]:
    suffix = draw(st.sampled_from(sorted(DEPTHS)))
    dtype = np.dtype(draw(st.sampled_from(DEPTHS[suffix])))
    size = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    shape = draw(st.sampled_from([size, (*size, 3)]))
    elements = st.floats(-1e6, 1e6, width=32) if dtype == np.float32 else None
    pixels = draw(npst.arrays(dtype, shape, elements=elements))
    alpha = None
    if suffix != ".bmp" and len(shape) == 3 and draw(st.booleans()):
        alpha = draw(npst.arrays(dtype, size, elements=elements))
    return suffix, pixels, alpha


@settings(max_examples=200, deadline=None)
@given(picture=pictures())
def test_what_a_lossless_format_is_given_comes_back(picture: tuple[str, Any, Any]) -> None:
    suffix, pixels, alpha = picture
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"picture{suffix}")
        write_image(path, pixels, alpha=alpha)
        back = read_image(path)
        assert os.listdir(folder) == [path.name]  # noqa: PTH208  names are enough
    np.testing.assert_array_equal(back.pixels, pixels)
    assert back.pixels.dtype == pixels.dtype
    assert back.path == path
    assert (back.alpha is None) == (alpha is None)
    if alpha is not None:
        np.testing.assert_array_equal(back.alpha, alpha)


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp"])
def test_a_lossy_format_gives_nearly_what_it_was_given(suffix: str, tmp_path: Path) -> None:
    row = np.linspace(0, 255, 64).astype(np.uint8)
    pixels = np.dstack([np.tile(row, (64, 1)), np.full((64, 64), 90, np.uint8), np.tile(row[::-1], (64, 1))])
    write_image(tmp_path / f"a{suffix}", pixels)
    assert np.abs(read_image(tmp_path / f"a{suffix}").pixels.astype(int) - pixels).mean() < 3


def test_a_higher_quality_makes_a_larger_file(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for quality in (20, 95):
        write_image(tmp_path / f"{quality}.jpg", pixels, quality=quality)
    assert (tmp_path / "20.jpg").stat().st_size < (tmp_path / "95.jpg").stat().st_size / 2


def test_other_libraries_see_the_colours_and_the_alpha_that_were_written(tmp_path: Path) -> None:
    pixels, alpha = np.array([[[255, 0, 0], [0, 0, 255]]], np.uint8), np.array([[255, 7]], np.uint8)
    for suffix in (".png", ".tif", ".webp"):
        write_image(tmp_path / f"a{suffix}", pixels, alpha=alpha)
        with PilImage.open(tmp_path / f"a{suffix}") as image:
            assert image.mode == "RGBA"
            np.testing.assert_array_equal(np.asarray(image)[..., 3], alpha)
            if suffix != ".webp":  # whose colours are lossy
                np.testing.assert_array_equal(np.asarray(image)[..., :3], pixels)


def test_grey_with_alpha_is_stored_as_rgb_with_alpha(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", grey_ramp(), alpha=grey_ramp())
    back = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(back.pixels, np.dstack([grey_ramp()] * 3))
    np.testing.assert_array_equal(back.alpha, grey_ramp())


def test_an_opaque_alpha_is_left_out_where_there_is_no_room_and_any_other_is_refused(tmp_path: Path) -> None:
    opaque = np.full((6, 8), 255, np.uint8)
    write_image(tmp_path / "a.jpg", grey_ramp(), alpha=opaque)
    assert read_image(tmp_path / "a.jpg").alpha is None
    with pytest.raises(ImageWriteError, match=r"a\.bmp is a BMP file, which cannot hold transparency; choose PNG"):
        write_image(tmp_path / "a.bmp", grey_ramp(), alpha=opaque - 1)
    assert not (tmp_path / "a.bmp").exists()


@pytest.mark.parametrize("suffix", sorted(WRITE_SUFFIXES))
def test_one_pixel_goes_through_every_format_under_a_name_in_capitals_and_unicode(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / "neuer Ordner" / f"тепло 热 é{suffix.upper()}"
    write_image(path, np.array([[128]], np.uint8))
    assert read_image(str(path)).size == (1, 1)


def test_a_file_is_read_by_its_content_not_its_name(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", grey_ramp())
    (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg").pixels, grey_ramp())


@pytest.mark.parametrize(
    ("suffix", "dtype", "advice"),
    [
        (".jpg", np.uint16, "a JPEG file, which cannot hold uint16 values; choose PNG or TIFF"),
        (".bmp", np.uint16, "a BMP file, which cannot hold uint16 values; choose PNG or TIFF"),
        (".webp", np.float32, "a WebP file, which cannot hold float32 values; choose TIFF"),
        (".png", np.float32, "a PNG file, which cannot hold float32 values; choose TIFF"),
        (".tif", np.float64, "a TIFF file, which cannot hold float64 values; convert them to uint8"),
        (".png", np.bool_, "convert them to uint8"),
        (".gif", np.uint8, r"has the suffix '.gif', and one of .bmp .jpeg .jpg .png"),
        ("", np.uint8, "has the suffix ''"),
        (".dcm", np.uint8, "has the suffix '.dcm'"),
    ],
)
def test_a_format_that_cannot_hold_the_picture_is_refused_with_advice(
    suffix: str, dtype: type, advice: str, tmp_path: Path
) -> None:
    with pytest.raises(ImageWriteError, match=advice):
        write_image(tmp_path / f"a{suffix}", np.zeros((2, 2), dtype))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("pixels", "options", "message"),
    [
        (np.zeros((2, 2, 2), np.uint8), {}, r"shape \(2, 2, 2\), and \(h, w\) or \(h, w, 3\)"),
        (np.zeros((0, 2), np.uint8), {}, r"shape \(0, 2\)"),
        (np.zeros(4, np.uint8), {}, r"shape \(4,\)"),
        (np.full((2, 2), np.nan, np.float32), {}, "NaN or infinite"),
        (np.zeros((2, 2), np.uint8), {"quality": 0}, "quality 0, and 1 to 100"),
        (np.zeros((2, 2), np.uint8), {"alpha": np.zeros((2, 3), np.uint8)}, r"alpha channel of uint8 \(2, 3\)"),
        (np.zeros((2, 2), np.uint8), {"alpha": np.zeros((2, 2), np.uint16)}, "alpha channel of uint16"),
    ],
)
def test_what_is_no_picture_is_not_written(pixels: Any, options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ImageWriteError, match=message):
        write_image(tmp_path / "a.tif", pixels, **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("suffix", "side"), [(".webp", 16_384), (".jpg", 65_501)])
def test_a_side_that_a_format_cannot_hold_is_refused(suffix: str, side: int, tmp_path: Path) -> None:
    with pytest.raises(ImageWriteError, match=f"cannot hold {side} x 1 pixels; choose PNG or TIFF"):
        write_image(tmp_path / f"a{suffix}", np.zeros((1, side), np.uint8))
    write_image(tmp_path / f"b{suffix}", np.zeros((1, side - 1), np.uint8))
    assert read_image(tmp_path / f"b{suffix}").size == (1, side - 1)


@pytest.mark.parametrize("broken", ["os.fsync", "pathlib.Path.replace"])
def test_a_failed_write_leaves_the_old_file_and_no_other(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_image(tmp_path / "a.png", grey_ramp())

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(broken, full_disk)
    with pytest.raises(ImageWriteError, match=r"a\.png cannot be written: no space left on device"):
        write_image(tmp_path / "a.png", 255 - grey_ramp())
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, grey_ramp())


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: Path, *_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_image(tmp_path / "a.png", grey_ramp())
    assert list(tmp_path.iterdir()) == []


def test_a_picture_cannot_take_the_place_of_a_folder_nor_lie_under_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(ImageWriteError, match=r"a\.png cannot be written: is a directory"):
        write_image(tmp_path / "a.png", grey_ramp())
    write_image(tmp_path / "b.png", grey_ramp())
    with pytest.raises(ImageWriteError, match=r"c\.png cannot be written: (not a directory|file exists)"):
        write_image(tmp_path / "b.png" / "c.png", grey_ramp())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_a_name_that_is_too_long_is_an_error_not_a_crash(tmp_path: Path) -> None:
    name = "x" * 300 + ".png"
    with pytest.raises(ImageWriteError, match="cannot be written: file name too long"):
        write_image(tmp_path / name, grey_ramp())
    with pytest.raises(ImageReadError, match="cannot be read: file name too long"):
        read_image(tmp_path / name)


@pytest.mark.usefixtures("unprivileged")
def test_a_write_protected_folder_is_named(open_folder: Path) -> None:
    folder = open_folder
    if os.geteuid() == folder.stat().st_uid:
        folder.chmod(0o555)
    with pytest.raises(ImageWriteError, match=r"a\.png cannot be written: permission denied; check the folder"):
        write_image(folder / "a.png", grey_ramp())
    assert list(folder.iterdir()) == []


def test_a_write_protected_file_is_not_replaced(open_folder: Path, request: pytest.FixtureRequest) -> None:
    path = open_folder / "a.png"
    write_image(path, grey_ramp())
    open_folder.chmod(0o777)
    path.chmod(0o444)
    request.getfixturevalue("unprivileged")
    with pytest.raises(ImageWriteError, match=r"a\.png cannot be written: permission denied"):
        write_image(path, 255 - grey_ramp())
    np.testing.assert_array_equal(read_image(path).pixels, grey_ramp())


def test_a_file_that_may_not_be_read_is_named(open_folder: Path, request: pytest.FixtureRequest) -> None:
    path = open_folder / "secret.png"
    write_image(path, grey_ramp())
    path.chmod(0)
    request.getfixturevalue("unprivileged")
    with pytest.raises(ImageReadError, match=r"secret\.png cannot be read: permission denied"):
        read_image(path)


def make_folder(path: Path) -> None:
    path.mkdir()


def make_empty(path: Path) -> None:
    path.touch()


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def make_text(path: Path) -> None:
    path.write_text("hello, this is no picture")


def make_loop(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "cannot be read: no such file or directory"),
        (make_folder, "is a folder, and an image file was expected"),
        (make_empty, r"is empty \(0 bytes\)"),
        (make_pipe, "is a pipe or a device"),
        (make_socket, "is a pipe or a device"),
        (make_text, r"is not a PNG, JPEG, TIFF, BMP or WebP image \(it begins with b'hello, t'\)"),
        (make_loop, "cannot be read: (too many levels of symbolic links|symlink loop)"),
    ],
)
def test_what_is_no_picture_is_named_with_the_reason(
    make: Callable[[Path], None], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    make(Path("x.png"))
    with pytest.raises(ImageReadError, match=f"x\\.png {message}"):
        read_image("x.png")


def test_a_device_without_end_is_not_read() -> None:
    with pytest.raises(ImageReadError, match="/dev/zero is a pipe or a device"):
        read_image("/dev/zero")


def test_a_name_that_no_system_takes_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImageReadError, match="cannot be read"):
        read_image(tmp_path / "a\0b.png")


def test_a_volume_is_not_taken_for_a_picture(tmp_path: Path) -> None:
    with pytest.raises(ImageReadError, match="is a volume, and a picture was expected; fuse volumes with volumes"):
        read_image(tmp_path / "brain.nii.gz")


def test_a_folder_is_listed_in_natural_order_without_what_is_no_picture(tmp_path: Path) -> None:
    for name in ["10.png", "9.PNG", "a2.jpg", "A1.tiff", "a10.bmp", "s.dcm", ".hidden.png", "notes.txt", "b.nii", "x"]:
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / ".imfuse-00.partial").touch()
    names = [path.name for path in list_images(tmp_path)]
    assert names == ["9.PNG", "10.png", "A1.tiff", "a2.jpg", "a10.bmp", "s.dcm"]


def test_the_order_of_a_listing_is_total(tmp_path: Path) -> None:
    for name in ["1.png", "01.png", "٣.png", "a.png", "²b.png"]:
        (tmp_path / name).touch()
    assert len(list_images(str(tmp_path))) == 5
    assert list_images(tmp_path) == list_images(tmp_path)


def test_an_empty_folder_lists_nothing_and_a_missing_one_is_an_error(tmp_path: Path) -> None:
    assert list_images(tmp_path) == []
    with pytest.raises(ImageReadError, match="gone cannot be read as a folder: no such file or directory"):
        list_images(tmp_path / "gone")
    (tmp_path / "file").touch()
    with pytest.raises(ImageReadError, match="cannot be read as a folder: not a directory"):
        list_images(tmp_path / "file")


def test_every_written_suffix_is_read() -> None:
    assert WRITE_SUFFIXES < READ_SUFFIXES
    assert ".dcm" in READ_SUFFIXES


def test_the_real_pictures_are_read_as_another_library_reads_them(shared_data: Path) -> None:
    folders = [path for path in sorted(shared_data.rglob("*")) if path.is_dir()]
    files = [file for folder in folders for file in list_images(folder)[:2]]
    assert len(files) > 20
    for file in files:
        with PilImage.open(file) as image:
            mode = {"P": "RGB", "1": "L", "LA": "L", "RGBA": "RGB"}.get(image.mode, image.mode)
            expected = np.asarray(image.convert(mode)).astype(int)
        pixels = read_image(file).pixels
        assert pixels.shape == expected.shape, file
        assert np.abs(pixels - expected).max() <= 3, file  # JPEG decoders may round apart
