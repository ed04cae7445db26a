"""Arrays in, the fused array out: any size, depth and colour."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import imfuse
from imfuse.errors import ModelError, SourceError
from imfuse.images.image import Image
from imfuse.runtime.backends.onnx import OnnxEngine
from imfuse.runtime.fuser import Fuser
from imfuse.runtime.models import ZOO

DTYPES = (np.uint8, np.uint16, np.float32)


def picture(height: int, width: int, dtype, colour: bool, seed: int = 0) -> np.ndarray:
    unit = np.random.default_rng(seed).random((height, width, 3) if colour else (height, width))
    return unit.astype(np.float32) if dtype == np.float32 else (unit * np.iinfo(dtype).max).astype(dtype)


@pytest.mark.parametrize("model", imfuse.list_models())
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_sources_give_a_picture_of_their_size_and_the_deepest_type(model, data):
    height, width = data.draw(st.integers(1, 70)), data.draw(st.integers(1, 70))
    dtypes = [data.draw(st.sampled_from(DTYPES)) for _ in range(2)]
    colours = [data.draw(st.booleans()) for _ in range(2)]
    sources = [picture(height, width, d, c, i) for i, (d, c) in enumerate(zip(dtypes, colours, strict=True))]
    fused = Fuser.load(model)(*sources)
    assert fused.shape == ((height, width, 3) if any(colours) else (height, width))
    assert fused.dtype == max(dtypes, key=DTYPES.index)


def keeps_equal(model: str) -> bool:
    """Whether equal sources come back: all but networks whose card says that they do not."""
    card = Fuser.load(model).card
    return card is None or card.equal_sources_error <= 2


@pytest.mark.parametrize("model", [m for m in imfuse.list_models() if keeps_equal(m)])
@pytest.mark.parametrize("colour", [False, True])
def test_equal_sources_come_back_within_two_levels(model, colour):
    source = picture(96, 128, np.uint8, colour)
    source = np.ascontiguousarray(np.kron(source[:12, :16], np.ones((8, 8, 1) if colour else (8, 8), np.uint8)))
    fused = Fuser.load(model)(source, source)
    assert np.abs(fused.astype(int) - source).max() <= 2


class Hungry:
    """An engine that has no memory for more than 100 pixels."""

    def run(self, sources):
        if sources[0].size > 100:
            raise MemoryError
        return sources[0]


def test_a_picture_that_memory_does_not_hold_is_refused_with_what_to_do():
    source = picture(20, 30, np.uint8, False)
    whole, tiled = (Fuser(Hungry(), name="hungry", margin=margin) for margin in (None, 4))
    with pytest.raises(SourceError, match=r"^hungry: 2 sources of 30x20 pixels need more memory.* whole.* smaller"):
        whole(source, source)
    with pytest.raises(SourceError, match=r"30x20 pixels.*less than 512 MB .*`memory_mb`"):
        tiled(source, source)
    assert whole(source[:10, :10], source[:10, :10]).shape == (10, 10)


class Refusing:
    """A session of ONNX Runtime that fails."""

    def __init__(self, message: str) -> None:
        self.message = message

    def run(self, _outputs, _sources):
        raise RuntimeError(self.message)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Conv node. bfc_arena.cc:360 Failed to allocate memory for requested buffer of size 9216000000", MemoryError),
        ("Non-zero status code returned while running Conv node", RuntimeError),
    ],
)
def test_only_refused_memory_becomes_a_memory_error(message, kind):
    engine = OnnxEngine(ZOO / "ivif" / "model.onnx", 1)
    engine.session = Refusing(message)
    with pytest.raises(kind, match=message[:9]):
        engine.run(np.zeros((2, 32, 32), np.float32))


@pytest.mark.parametrize("model", [m for m in imfuse.list_models() if Fuser.load(m).symmetric])
def test_the_order_of_symmetric_sources_does_not_matter(model):
    first, second, third = (picture(40, 56, np.uint8, False, seed) for seed in range(3))
    fuser = Fuser.load(model)
    forth = fuser(first, second, third).astype(int)
    assert np.abs(forth - fuser(third, first, second)).max() <= 1


def test_grey_in_gives_grey_out_and_colour_in_gives_colour_out():
    grey, colour = picture(8, 8, np.uint8, False), picture(8, 8, np.uint8, True)
    fuser = Fuser.load("maximum")
    assert fuser(grey, grey).ndim == 2
    assert fuser(grey, colour).ndim == fuser(colour, grey).ndim == fuser(colour, colour).ndim == 3


def test_grey_stored_as_colour_fuses_like_grey_and_stays_colour():
    infrared, visible = picture(16, 16, np.uint8, False, 1), picture(16, 16, np.uint8, True, 2)
    stored = np.repeat(infrared[..., None], 3, axis=2)
    fuser = Fuser.load("maximum")
    np.testing.assert_array_equal(fuser(stored, visible), fuser(infrared, visible))
    assert fuser(stored, stored).shape == (16, 16, 3)
    assert fuser(stored, infrared).shape == (16, 16, 3)


def test_a_sixteen_bit_infrared_source_is_stretched_and_others_are_not():
    raw = np.random.default_rng(0).integers(7000, 7600, (64, 64)).astype(np.uint16)
    black = np.zeros((64, 64), np.uint8)
    maximum = Fuser.load("maximum")
    named = Fuser(maximum.engine, sources=("infrared", "visible"))
    assert named(raw, black).max() == 65535
    assert named(raw, black, value_range="dtype").max() == raw.max()
    assert Fuser(maximum.engine, sources=("ct", "mri"))(raw, black).max() == raw.max()
    assert maximum(raw, black).max() == 65535  # beside 8 bits it is taken for infrared
    assert maximum(raw, raw).max() == raw.max()  # a stack of equals keeps its brightness


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_come_back_in_their_own_type(dtype):
    source = np.linspace(0, 1, 48, dtype=dtype).reshape(4, 4, 3)
    fused = Fuser.load("average")(source, source[..., 0].copy())
    assert fused.dtype == dtype
    assert fused.shape == (4, 4, 3)


def test_an_unknown_type_is_refused_with_words():
    grey = np.zeros((4, 4), np.uint8)
    with pytest.raises(SourceError, match="'colour'"):
        Fuser.load("average")(grey, grey, dtype="colour")


def test_the_type_of_the_result_can_be_asked_for():
    fused = Fuser.load("maximum")(picture(8, 8, np.uint8, False), picture(8, 8, np.uint8, True), dtype=np.uint16)
    assert fused.dtype == np.uint16
    assert fused.max() > 60000


def test_alpha_is_that_of_the_first_source_that_has_it():
    pixels = picture(4, 4, np.uint16, False)
    alpha = np.full((4, 4), 128, np.uint8)
    images = [Image(pixels), Image(picture(4, 4, np.uint8, True), alpha), Image(pixels, pixels)]
    fused = Fuser.load("average").fuse_images(images)
    assert fused.pixels.dtype == fused.alpha.dtype == np.uint16
    assert (fused.alpha == round(128 / 255 * 65535)).all()


def test_sources_are_left_as_they_were():
    sources = [picture(40, 40, np.uint8, True, 1), picture(40, 40, np.float32, False, 2)]
    kept = [source.copy() for source in sources]
    Fuser.load("laplacian")(*sources)
    for source, copy in zip(sources, kept, strict=True):
        np.testing.assert_array_equal(source, copy)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ([np.zeros((4, 4), np.uint8)], "1 source given"),
        ([np.zeros((4, 4), np.uint8), np.zeros((4, 5), np.uint8)], "--resize.*--align"),
        ([np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8)], r"\(4, 4, 4\); expected"),
        ([np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.int32)], "int32"),
        ([np.zeros((0, 4), np.uint8), np.zeros((0, 4), np.uint8)], "not empty"),
        ([np.full((4, 4), np.nan, np.float32), np.zeros((4, 4), np.uint8)], "NaN"),
    ],
)
def test_sources_that_do_not_go_together_are_refused_with_words(sources, message):
    with pytest.raises(SourceError, match=message):
        Fuser.load("average")(*sources)


def test_a_wrong_number_of_ranges_is_refused():
    grey = np.zeros((4, 4), np.uint8)
    with pytest.raises(SourceError, match="3 value ranges for 2 sources"):
        Fuser.load("average")(grey, grey, value_range=["dtype"] * 3)


def test_an_unknown_model_is_named_with_the_nearest():
    with pytest.raises(ModelError, match=r"'laplacean'.*did you mean 'laplacian'"):
        Fuser.load("laplacean")


def test_fuse_takes_arrays_and_files(tmp_path):
    from imfuse.images.files import write_image

    first, second = picture(8, 9, np.uint8, False, 1), picture(8, 9, np.uint8, True, 2)
    write_image(tmp_path / "second.png", second)
    np.testing.assert_array_equal(
        imfuse.fuse(first, tmp_path / "second.png", model="average"), imfuse.fuse(first, second, model="average")
    )
