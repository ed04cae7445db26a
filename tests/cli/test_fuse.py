"""`imfuse fuse` on pairs: what comes out, where, in which depth, and what is refused."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from imfuse.errors import AlignmentError


def read(path: Path) -> np.ndarray:
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert pixels is not None, f"{path} is no picture"
    return pixels


def test_a_pair_becomes_the_file_that_was_named(imfuse, pair, tmp_path):
    assert imfuse("fuse", *pair, "-o", tmp_path / "out.png", "--model", "maximum") == 0
    fused = read(tmp_path / "out.png")
    luma = cv2.cvtColor(read(pair[1]), cv2.COLOR_BGR2GRAY)
    wanted = np.maximum(read(pair[0]), luma)
    # Colour that leaves the cube is clipped, so the luma is exact only where there is room.
    room = (fused > 0).all(-1) & (fused < 255).all(-1)
    assert room.mean() > 0.1
    np.testing.assert_allclose(cv2.cvtColor(fused, cv2.COLOR_BGR2GRAY)[room], wanted[room], atol=2)


def test_the_output_says_which_source_was_taken_for_what(imfuse, pair, tmp_path, capsys):
    imfuse("fuse", *pair, "-o", tmp_path / "out.png", "--model", "average")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["A", str(pair[0])]
    assert lines[1].split() == ["B", str(pair[1])]
    assert lines[2].split() == ["fused", str(tmp_path / "out.png")]


def test_quiet_says_nothing(imfuse, pair, tmp_path, capsys):
    assert imfuse("fuse", *pair, "-o", tmp_path / "out.png", "--model", "average", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_json_is_one_object_with_all_that_happened(imfuse, pair, tmp_path, capsys):
    imfuse("fuse", *pair, "-o", tmp_path / "out.png", "--model", "average", "--json")
    summary = json.loads(capsys.readouterr().out)
    assert summary["model"] == "average"
    assert summary["sources"] == ["A", "B"]
    assert summary["fused"][0]["output"] == str(tmp_path / "out.png")
    assert summary["fused"][0]["sources"] == [str(path) for path in pair]
    assert summary["skipped"] == summary["failed"] == summary["unmatched"] == []
    assert {"imfuse", "numpy", "onnxruntime", "python"} <= set(summary["versions"])


def test_an_error_is_json_too_where_json_is_wanted(imfuse, pair, capsys):
    assert imfuse("fuse", *pair, "--model", "average", "--json") == 2
    out, err = capsys.readouterr()
    assert "-o OUT" in json.loads(out)["error"]
    assert "-o OUT" in err


def test_a_folder_as_output_gives_the_pair_its_stem(imfuse, pair, tmp_path):
    assert imfuse("fuse", *pair, "-o", tmp_path / "new", "--model", "average") == 0
    assert (tmp_path / "new" / "1.png").is_file()


def test_different_stems_are_joined_for_the_name(imfuse, pair, tmp_path):
    pair[0].rename(warm := pair[0].with_name("warm.png"))
    assert imfuse("fuse", warm, pair[1], "-o", tmp_path / "new", "--model", "average") == 0
    assert (tmp_path / "new" / "warm_1.png").is_file()


def test_three_sources_are_averaged(imfuse, tmp_path):
    for index, value in enumerate((30, 60, 120)):
        cv2.imwrite(str(tmp_path / f"{index}.png"), np.full((5, 7), value, np.uint8))
    sources = [tmp_path / f"{index}.png" for index in range(3)]
    assert imfuse("fuse", *sources, "-o", tmp_path / "out.png", "--model", "average") == 0
    assert (read(tmp_path / "out.png") == 70).all()


def test_the_sheet_lies_in_its_own_folder(imfuse, pair, tmp_path):
    assert imfuse("fuse", *pair, "-o", tmp_path / "out.png", "--model", "average", "--sheet") == 0
    assert read(tmp_path / "sheets" / "out.png").ndim == 3


@pytest.mark.parametrize(
    ("words", "name", "dtype"),
    [
        ((), "1.png", np.uint16),
        (("--depth", "8"), "1.png", np.uint8),
        (("--depth", "float"), "1.tif", np.float32),
        (("--format", "jpg"), "1.jpg", np.uint8),
        (("--format", "tif"), "1.tif", np.uint16),
    ],
)
def test_depth_and_format_of_the_result(imfuse, pair, words, name, dtype):
    folder = pair[0].parent / "new"
    cv2.imwrite(str(pair[0]), (np.arange(24 * 32, dtype=np.uint16) * 20).reshape(24, 32))
    assert imfuse("fuse", *pair, "-o", folder, "--model", "average", *words) == 0
    assert read(folder / name).dtype == dtype


def test_a_jpeg_second_source_gives_a_jpeg(imfuse, pair, tmp_path):
    cv2.imwrite(str(pair[1].with_suffix(".jpg")), read(pair[1]))
    assert imfuse("fuse", pair[0], pair[1].with_suffix(".jpg"), "-o", tmp_path / "new", "--model", "average") == 0
    assert (tmp_path / "new" / "1.jpg").is_file()


def test_a_format_that_cannot_hold_the_depth_is_refused(imfuse, pair, tmp_path, capsys):
    assert imfuse("fuse", *pair, "-o", tmp_path / "out.jpg", "--model", "average", "--depth", "16") == 1
    assert "--depth 16" in capsys.readouterr().err
    assert not (tmp_path / "out.jpg").exists()


def test_the_range_can_be_one_for_each_source(imfuse, pair, tmp_path):
    low = np.full((24, 32), 100, np.uint8)
    low[0, 0], low[0, 1] = 90, 110
    for path in pair:
        cv2.imwrite(str(path), low)
    words = ("--model", "average", "--range")
    assert imfuse("fuse", *pair, "-o", tmp_path / "all.png", *words, "minmax") == 0
    assert imfuse("fuse", *pair, "-o", tmp_path / "one.png", *words, "minmax,dtype") == 0
    assert read(tmp_path / "all.png")[0, 0] == 0
    assert read(tmp_path / "one.png")[0, 0] == 45


@pytest.mark.parametrize(
    ("rule", "shape"), [("larger", (48, 64)), ("smaller", (24, 32)), ("2", (24, 32)), ("A", (48, 64))]
)
def test_resize_takes_a_rule_a_name_or_a_number(imfuse, pair, tmp_path, rule, shape):
    cv2.imwrite(str(pair[0]), np.zeros((48, 64), np.uint8))
    assert imfuse("fuse", *pair, "-o", tmp_path / "out.png", "--model", "average", "--resize", rule) == 0
    assert read(tmp_path / "out.png").shape[:2] == shape


def test_a_changed_shape_is_remarked(imfuse, folders, pair, tmp_path, capsys):
    cv2.imwrite(str(pair[0]), np.zeros((48, 48), np.uint8))
    words = ("--model", "average", "--resize", "2")
    assert imfuse("fuse", *pair, "-o", tmp_path / "out.png", *words) == 0
    assert "A stretched from 48 x 48 to 32 x 24: the shapes differ" in capsys.readouterr().out
    assert imfuse("fuse", *folders, "-o", tmp_path / "out", *words) == 0
    assert "\n1: A stretched from 48 x 48 to 32 x 24" in capsys.readouterr().out


def test_unequal_sizes_name_the_ways_out(imfuse, pair, tmp_path, capsys):
    cv2.imwrite(str(pair[0]), np.zeros((48, 64), np.uint8))
    assert imfuse("fuse", *pair, "-o", tmp_path / "out.png", "--model", "average") == 1
    error = capsys.readouterr().err
    assert "64 x 48" in error
    assert "32 x 24" in error
    assert "--resize" in error
    assert "--align" in error


def test_align_moves_the_first_source_onto_the_second(imfuse, tmp_path):
    noise = np.random.default_rng(3).uniform(0, 1, (120, 160)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    grey = cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "fixed.png"), grey)
    cv2.imwrite(str(tmp_path / "moved.png"), np.roll(grey, (3, -4), (0, 1)))
    words = ("fuse", tmp_path / "moved.png", tmp_path / "fixed.png", "--model", "average")
    assert imfuse(*words, "-o", tmp_path / "as_it_is.png") == 0
    assert imfuse(*words, "-o", tmp_path / "aligned.png", "--align", "translation") == 0
    inner = (slice(10, -10), slice(10, -10))
    error = {
        name: np.abs(read(tmp_path / f"{name}.png")[inner].astype(float) - grey[inner]).mean()
        for name in ("as_it_is", "aligned")
    }
    assert error["aligned"] < 0.4 * error["as_it_is"]


def test_an_alignment_that_is_refused_gives_its_reason(imfuse, pair, tmp_path, capsys, monkeypatch):
    def refuse(*_, **__):
        raise AlignmentError("the match did not improve")

    monkeypatch.setattr("imfuse.align.align", refuse)
    assert imfuse("fuse", *pair, "-o", tmp_path / "out.png", "--model", "average", "--align") == 1
    assert "the match did not improve" in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()


def test_align_repeats_the_reference_where_the_other_source_shows_nothing(imfuse, tmp_path, capsys):
    noise = cv2.GaussianBlur(np.random.default_rng(4).uniform(0, 1, (150, 200)).astype(np.float32), (0, 0), 2)
    scene = cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "fixed.png"), scene[:120, :160])
    cv2.imwrite(str(tmp_path / "moved.png"), scene[12:132, 20:180])
    words = ("fuse", tmp_path / "moved.png", tmp_path / "fixed.png", "-o", tmp_path / "out.png")
    assert imfuse(*words, "--model", "average", "--align", "translation") == 0
    difference = np.abs(read(tmp_path / "out.png").astype(int) - scene[:120, :160])
    assert difference[:11, :].max() <= 1
    assert difference.mean() < 3
    assert "A aligned onto B: match" in capsys.readouterr().out


def test_the_motions_of_the_command_line_are_those_of_the_registration():
    from imfuse.align import MOTIONS
    from imfuse.cli import _options

    assert set(_options.MOTIONS) == set(MOTIONS)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("{ir}",), "1 source given"),
        (("{ir}", "{vis}"), "-o OUT"),
        (("{ir}", "{vis}", "-o", "{ir}"), "never overwritten"),
        (("{ir}", "{vis}", "-o", "out.xyz"), "out.xyz"),
        (("{ir}", "{vis}", "-o", "out.png", "--model", "nosuch"), "nosuch"),
        (("{ir}", "{vis}", "-o", "out.png", "--model", "avrage"), "did you mean 'average'?"),
        (("{ir}", "{vis}", "-o", "out.png", "--resize", "wider"), "wider"),
        (("{ir}", "{vis}", "-o", "out.png", "--resize", "3"), "1 to 2"),
        (("{ir}", "{vis}", "-o", "out.png", "--range", "log"), "log"),
        (("{ir}", "{vis}", "-o", "out.png", "--range", "dtype,dtype,dtype"), "2 of them"),
        *((("{ir}", "{vis}", "-o", "o.png", "--window", w), "40,400/file") for w in ("4,4", "a,1/file", "4,0/file")),
        (("{ir}", "{vis}", "-o", "out.png", "--jobs", "0"), "--jobs 0"),
        (("{ir}", "{vis}", "-o", "out.png", "--format", "jpg"), "contradict"),
        (("{ir}", "{vis}", "-o", "out.png", "--depth", "12"), "12"),
        (("{ir}", "{folder}", "-o", "out.png"), "folders only"),
        (("{missing}", "{folder}", "-o", "out"), "does not exist"),
        (("{ir}", "{vis}", "-o", "out.png", "--pattern", "{{id}}_a"), "--pattern"),
        (("{ir}", "{vis}", "-o", "{folder}"), "overwrite"),
    ],
)
def test_a_command_that_cannot_be_meant_has_status_2(imfuse, pair, capsys, words, text):
    places = {"ir": pair[0], "vis": pair[1], "folder": pair[1].parent, "missing": pair[0].parent / "no"}
    before = pair[0].read_bytes()
    model = () if "--model" in words else ("--model", "average")
    assert imfuse("fuse", *(word.format(**places) for word in words), *model) == 2
    out, err = capsys.readouterr()
    assert text in err
    assert "Traceback" not in out + err
    assert pair[0].read_bytes() == before


def test_a_source_reached_by_a_link_is_not_overwritten(imfuse, pair, tmp_path, capsys):
    link = tmp_path / "link.png"
    link.symlink_to(pair[1])
    assert imfuse("fuse", *pair, "-o", link, "--model", "average") == 2
    assert "never overwritten" in capsys.readouterr().err


def test_names_that_contradict_the_order_are_remarked():
    from imfuse.cli._order import order_warning

    names = ["infrared", "visible"]
    assert "looks like visible" in (order_warning(names, [Path("a_vis.png"), Path("a_ir.png")]) or "")
    assert order_warning(names, [Path("x/a_ir.png"), Path("x/a_vis.png")]) is None
    assert order_warning([*names, "source 3"], [Path("ir/1.png"), Path("vis/1.png"), Path("x/a_ir.png")]) is None
    assert order_warning(names, [Path("first/1.png"), Path("second/1.png")]) is None
    assert "looks like MRI" in (order_warning(["PET", "MRI"], [Path("mri/1.png"), Path("pet/1.png")]) or "")


def test_workers_share_the_cores_and_the_memory(imfuse, folders, monkeypatch):
    from imfuse.runtime.fuser import MEMORY_MB, Fuser

    load, asked = Fuser.load, []

    def note(model, **options):
        asked.append(options)
        return load(model, **options)

    monkeypatch.setattr(Fuser, "load", note)
    monkeypatch.setattr("imfuse.batch.local.usable_cores", lambda: 7)
    for words in ((), ("--memory", "90", "--threads", "5")):
        assert imfuse("fuse", *folders, "-o", folders[0].parent / "o", "--model", "average", "-j", "3", *words) == 0
    assert asked == [{"threads": 2, "memory_mb": MEMORY_MB / 3}, {"threads": 5, "memory_mb": 30}]


def _write_volume(path: Path, data: np.ndarray, affine: np.ndarray) -> None:
    import nibabel

    nibabel.Nifti1Image(data, affine).to_filename(path)


def test_volumes_are_fused_slice_by_slice_and_keep_their_place(imfuse, tmp_path):
    nibabel = pytest.importorskip("nibabel")
    random = np.random.default_rng(0)
    affine = np.diag([1.0, 2.0, 3.0, 1.0])
    affine[:3, 3] = 5, -6, 7
    volumes = [random.uniform(0, 1, (6, 5, 4)).astype(np.float32) for _ in range(2)]
    for name, volume in zip(("ct", "mri"), volumes, strict=True):
        volume[0, 0, 0], volume[-1, -1, -1] = 0, 1
        _write_volume(tmp_path / f"{name}.nii.gz", volume, affine)
    sources = (tmp_path / "ct.nii.gz", tmp_path / "mri.nii.gz")
    words = ("--model", "average", "--range", "minmax", "--sheet")
    assert imfuse("fuse", *sources, "-o", tmp_path / "fused.nii.gz", *words) == 0
    fused = nibabel.load(tmp_path / "fused.nii.gz")
    np.testing.assert_allclose(fused.affine, affine)
    np.testing.assert_allclose(fused.get_fdata(), np.mean(volumes, axis=0), atol=1e-4)
    assert (tmp_path / "sheets" / "fused.png").is_file()


@pytest.mark.parametrize(
    ("words", "thickness", "text"),
    [((), 2, "different places"), (("--resize", "larger"), 1, "--resize"), (("--range", "dtype"), 1, "--range dtype")],
)
def test_volumes_that_do_not_go_together_are_refused(imfuse, tmp_path, words, thickness, text):
    pytest.importorskip("nibabel")
    data = np.random.default_rng(0).uniform(0, 1, (4, 4, 3)).astype(np.float32)
    _write_volume(tmp_path / "a.nii", data, np.eye(4))
    _write_volume(tmp_path / "b.nii", data, np.diag([1.0, 1, thickness, 1]))
    output = tmp_path / "out.nii"
    command = ("fuse", tmp_path / "a.nii", tmp_path / "b.nii", "-o", output, "--model", "average", "--json")
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert imfuse(*command, *words) == 1
    error = json.loads(out.getvalue())["failed"][0]["reason"]
    assert text in error
    assert not output.exists()


def test_folders_of_volumes_are_fused_by_stem(imfuse, tmp_path):
    nibabel = pytest.importorskip("nibabel")
    for folder, name in (("n1", "a.nii"), ("n2", "a.nii.gz"), ("n1", "b.nii.gz"), ("n2", "b.nii.gz")):
        (tmp_path / folder).mkdir(exist_ok=True)
        data = np.random.default_rng(len(folder + name)).uniform(0, 1, (4, 5, 3)).astype(np.float32)
        _write_volume(tmp_path / folder / name, data, np.eye(4))
    words = ("fuse", tmp_path / "n1", tmp_path / "n2", "-o", tmp_path / "out", "--model", "average")
    assert imfuse(*words) == 0
    for name in ("a", "b"):
        assert nibabel.load(tmp_path / "out" / f"{name}.nii.gz").shape == (4, 5, 3)


def test_a_volume_and_a_picture_do_not_go_together(imfuse, pair, tmp_path, capsys):
    pytest.importorskip("nibabel")
    _write_volume(tmp_path / "a.nii", np.zeros((4, 4, 3), np.float32), np.eye(4))
    assert imfuse("fuse", tmp_path / "a.nii", pair[1], "-o", tmp_path / "out.nii", "--model", "average") == 1
    assert "1.png is not; fuse volumes with volumes" in capsys.readouterr().err


def test_a_window_decides_what_is_black_and_white_in_its_volume(imfuse, tmp_path):
    nibabel = pytest.importorskip("nibabel")
    hounsfield = np.linspace(-1000, 1000, 4 * 5 * 3, dtype=np.float32).reshape(4, 5, 3)
    _write_volume(tmp_path / "ct.nii", hounsfield, np.eye(4))
    _write_volume(tmp_path / "mri.nii", hounsfield + 1000, np.eye(4))
    words = ("fuse", tmp_path / "ct.nii", tmp_path / "mri.nii", "--model", "average", "--range", "minmax")
    assert imfuse(*words, "-o", tmp_path / "out.nii", "--window", "40,400/file") == 0
    wanted = (np.clip((hounsfield + 160) / 400, 0, 1) + (hounsfield + 1000) / 2000) / 2
    np.testing.assert_allclose(nibabel.load(tmp_path / "out.nii").get_fdata(), wanted, atol=1e-4)


def test_a_window_reaches_a_dicom_slice(imfuse, pair, tmp_path):
    pydicom = pytest.importorskip("pydicom")
    path = Path(pydicom.data.get_testdata_file("CT_small.dcm"))
    cv2.imwrite(str(pair[1]), np.zeros((128, 128), np.uint8))
    words = ("fuse", path, pair[1], "--model", "maximum", "--depth", "16")
    assert imfuse(*words, "-o", tmp_path / "out.png", "--window=-600.5,1501/file") == 0
    dataset = pydicom.dcmread(path)
    hounsfield = dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
    wanted = np.clip((hounsfield + 601) / 1500 + 0.5, 0, 1) * 65_535
    np.testing.assert_allclose(read(tmp_path / "out.png"), wanted, atol=1)


def test_a_window_for_a_picture_is_refused(imfuse, pair, tmp_path, capsys):
    assert imfuse("fuse", *pair, "-o", tmp_path / "o.png", "--model", "average", "--window", "4,4/file") == 1
    assert "no medical file, so --window means nothing for it" in capsys.readouterr().err
