"""Which input becomes which output."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flamingo import errors
from flamingo.images import left_out, plan_outputs


def made(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return [folder / name for name in names]


def names(plan: list[tuple[Path, Path]], output: Path) -> dict[str, str]:
    return {source.name: target.relative_to(output).as_posix() for source, target in plan}


def test_one_file_becomes_one_file(tmp_path: Path) -> None:
    (photo,) = made(tmp_path, "a.jpg")
    assert plan_outputs([photo], tmp_path / "b.png") == [(photo, tmp_path / "b.png")]


def test_one_file_goes_into_a_folder_that_is_there(tmp_path: Path) -> None:
    (photo,) = made(tmp_path, "a.jpg")
    (tmp_path / "out").mkdir()
    assert plan_outputs([photo], tmp_path / "out") == [(photo, tmp_path / "out" / "a.jpg")]


def test_a_name_without_suffix_is_a_folder_to_be_made(tmp_path: Path) -> None:
    (photo,) = made(tmp_path, "a.jpg")
    plan = plan_outputs([photo], tmp_path / "new" / "out")
    assert plan == [(photo, tmp_path / "new" / "out" / "a.jpg")]
    assert (tmp_path / "new" / "out").is_dir()


def test_a_folder_is_gone_through_and_keeps_its_structure(tmp_path: Path) -> None:
    made(tmp_path / "in", "a.jpg", "sub/b.png", "sub/deep/c.tif", ".hidden.jpg", ".git/d.jpg", "notes.txt")
    out = tmp_path / "out"
    assert names(plan_outputs([tmp_path / "in"], out), out) == {
        "a.jpg": "a.jpg",
        "b.png": "sub/b.png",
        "c.tif": "sub/deep/c.tif",
    }
    assert (out / "sub" / "deep").is_dir()


def test_two_inputs_of_one_name_get_two_outputs(tmp_path: Path) -> None:
    photos = made(tmp_path, "a.jpg", "a.png", "a.gif", "other/a.png")
    out = tmp_path / "out"
    plan = plan_outputs(photos, out, suffix=".jpg")
    assert [target.name for _, target in plan] == ["a.jpg", "a-png.jpg", "a-gif.jpg", "a-png-2.jpg"]


def test_names_that_differ_only_in_case_or_composition_get_two_outputs(tmp_path: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "é.jpg") for form in ("NFC", "NFD"))
    photos = made(tmp_path, "A.jpg", "x/a.jpg", composed, f"y/{apart}")
    targets = [target.name for _, target in plan_outputs(photos, tmp_path / "out")]
    assert len({unicodedata.normalize("NFC", name).casefold() for name in targets}) == 4


def test_formats_that_cannot_be_written_become_near_ones(tmp_path: Path) -> None:
    out = tmp_path / "out"
    photos = made(tmp_path, "a.gif", "b.bmp", "c.mpo", "d.JPEG", "e.heic", "f")
    assert names(plan_outputs(photos, out), out) == {
        "a.gif": "a.png",
        "b.bmp": "b.bmp",
        "c.mpo": "c.jpg",
        "d.JPEG": "d.jpeg",
        "e.heic": "e.jpg",
        "f": "f.png",
    }


def test_an_input_is_never_an_output(tmp_path: Path) -> None:
    (photo,) = made(tmp_path, "a.jpg")
    with pytest.raises(errors.WouldOverwrite, match="input"):
        plan_outputs([photo], photo, overwrite=True)
    ((_, target),) = plan_outputs([photo], tmp_path, overwrite=True)
    assert target == tmp_path / "a-jpg.jpg"


def test_another_name_of_an_input_is_no_output_either(tmp_path: Path) -> None:
    (photo,) = made(tmp_path, "a.jpg")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.jpg").symlink_to(photo)
    with pytest.raises(errors.WouldOverwrite, match="input"):
        plan_outputs([photo], tmp_path / "out", overwrite=True)


def test_what_is_there_is_not_overwritten_unless_allowed(tmp_path: Path) -> None:
    photos = made(tmp_path, "a.jpg", "b.jpg")
    made(tmp_path / "out", "a.jpg")
    with pytest.raises(errors.WouldOverwrite, match="exists already"):
        plan_outputs(photos, tmp_path / "out")
    assert len(plan_outputs(photos, tmp_path / "out", overwrite=True)) == 2


def test_earlier_results_inside_the_input_folder_are_no_inputs(tmp_path: Path) -> None:
    made(tmp_path, "a.jpg", "painted/a.jpg")
    plan = plan_outputs([tmp_path], tmp_path / "painted", overwrite=True)
    assert plan == [(tmp_path / "a.jpg", tmp_path / "painted" / "a.jpg")]


def test_an_input_named_twice_is_done_once(tmp_path: Path) -> None:
    photo, other = made(tmp_path / "in", "a.jpg", "b.jpg")
    plan = plan_outputs([photo, tmp_path / "in", photo], tmp_path / "out")
    assert [source for source, _ in plan] == [photo, other]


def test_a_missing_input_stays_in_the_plan(tmp_path: Path) -> None:
    (photo,) = made(tmp_path, "a.jpg")
    assert len(plan_outputs([photo, tmp_path / "gone.jpg"], tmp_path / "out")) == 2


def test_several_inputs_need_a_folder(tmp_path: Path) -> None:
    photos = made(tmp_path, "a.jpg", "b.jpg", "file.txt")
    with pytest.raises(errors.BadRequest, match="folder"):
        plan_outputs(photos[:2], tmp_path / "out.png")
    with pytest.raises(errors.OutputError, match="folder"):
        plan_outputs(photos[:2], photos[2])


@pytest.mark.parametrize("suffix", [".gif", "xyz", ""])
def test_an_unknown_suffix_is_refused(tmp_path: Path, suffix: str) -> None:
    (photo,) = made(tmp_path, "a.jpg")
    with pytest.raises(errors.BadRequest):
        plan_outputs([photo], tmp_path / "out", suffix=suffix)


def test_requests_that_mean_nothing_are_refused(tmp_path: Path) -> None:
    (photo,) = made(tmp_path, "a.jpg")
    (tmp_path / "empty").mkdir()
    for inputs, output, suffix in [
        ([], "out", None),
        ([tmp_path / "empty"], "out", None),
        ([photo], "out.xyz", None),
        ([photo], "out.png", ".jpg"),
    ]:
        with pytest.raises(errors.BadRequest) as caught:
            plan_outputs(inputs, tmp_path / output, suffix=suffix)
        assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(errors.NoSuchFolder):
        plan_outputs([photo], tmp_path / "gone" / "out.png")
    with pytest.raises(errors.OutputError):
        plan_outputs([photo, photo.with_name("b.jpg")], photo / "out")


@given(
    st.lists(
        st.builds(
            "{}/{}{}".format,
            st.sampled_from(["x", "y", "X"]),
            st.sampled_from(["a", "A", "a-png", "a-png-2", "ß", "ss"]),
            st.sampled_from([".jpg", ".png", ".PNG", ".gif", ".tif", ""]),
        ),
        min_size=2,
        max_size=20,
        unique=True,
    ),
    st.sampled_from([None, ".jpg", ".png"]),
)
@settings(deadline=None)
def test_no_two_inputs_ever_share_an_output(
    tmp_path_factory: pytest.TempPathFactory, given: list[str], suffix: str | None
) -> None:
    output = tmp_path_factory.getbasetemp() / "shared-out"
    plan = plan_outputs([Path("/nowhere") / name for name in given], output, suffix=suffix)
    assert len(plan) == len(given)
    assert len({str(target).casefold() for _, target in plan}) == len(given)
    assert plan == plan_outputs([Path("/nowhere") / name for name in given], output, suffix=suffix)


def test_all_that_is_not_taken_from_a_folder_is_named(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    (photos / "sub").mkdir(parents=True)
    for name in ("a.jpg", "a.cr3", "b.mov", "c.heic", "c.MOV", "sub/notes.txt", "sub/d.png", ".hidden", "Thumbs.db"):
        (photos / name).write_bytes(b"x")
    (tmp_path / "elsewhere").mkdir()
    (photos / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    output = photos / "painted"
    taken = {path.name for path, _ in plan_outputs([photos], output)}
    assert taken == {"a.jpg", "a.cr3", "c.heic", "d.png"}
    (output / "a.jpg").write_bytes(b"x")
    told = left_out([photos], output)
    for name in ("b.mov", "c.MOV", "notes.txt", "linked", "painted"):
        assert sum(name in sentence for sentence in told) == 1, told
    assert not any(name in sentence for sentence in told for name in (*taken, ".hidden", "Thumbs.db"))


def test_a_folder_of_pictures_alone_leaves_nothing_to_say(tmp_path: Path) -> None:
    made(tmp_path, "a.jpg", "b.png")
    assert left_out([tmp_path]) == []
    assert left_out([tmp_path / "a.jpg"], tmp_path / "out") == []


def test_a_photo_called_like_a_result_is_neither_painted_nor_written_over(tmp_path: Path) -> None:
    """Without credentials a result is known by its name alone, and a photo may be called so as well."""
    made(tmp_path, "a.jpg", "a-jpg.jpg")
    plan = plan_outputs([tmp_path], tmp_path, overwrite=True)
    assert [(path.name, target.name) for path, target in plan] == [("a.jpg", "a-jpg-2.jpg")]
    (sentence,) = left_out([tmp_path], tmp_path)
    assert "a-jpg.jpg" in sentence
    outside = plan_outputs([tmp_path], tmp_path / "out")
    assert [path.name for path, _ in outside] == ["a-jpg.jpg", "a.jpg"]
