"""Colour profiles: from what a file declares to sRGB, and back for the result."""

from __future__ import annotations

from functools import cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import ImageCms

from flamingo.images import vips

__all__ = ["from_srgb", "to_srgb"]

_LARGEST_PROFILE = 4 << 20
_SPACES = {b"RGB ": 3, b"GRAY": 1, b"CMYK": 4}

# Below this an embedded profile is sRGB for all one can see, and converting would only add rounding.
_SAME = 1.5 / 255
_COMES_BACK = 6 / 255

IGNORED = "its colour profile is broken or does not fit the picture, so it was ignored and sRGB assumed"


def to_srgb(
    image: vips.Image, profile: bytes | None, *, keep: bool = True
) -> tuple[vips.Image, bytes | None, list[str]]:
    """Convert colour samples to three bands of sRGB.

    Args:
        image: 1, 3 or 4 (CMYK) bands of 8 or 16 bits, without alpha.
        profile: the ICC profile of the samples, or None for the usual one of so many bands.
        keep: whether the result may be converted back; it is not for HDR pictures.

    Returns:
        The picture (8 bits if nothing had to be converted, else 16), the RGB profile to convert the result back to
        (None for sRGB), and notes. A profile that cannot be used is left out, and a note says so.
    """
    notes: list[str] = []
    bands = image.bands
    channels = _channels_of(profile)
    if profile is not None and channels != bands and not (channels == 3 and bands == 1):
        notes.append(IGNORED)
        profile = None
    if bands == 4:
        return _cmyk(image, profile, notes)
    if bands == 1 and channels != 1:
        image = _three(image)
    if profile is None:
        return (_three(image) if image.bands == 1 else image), None, notes
    try:
        # Reading a broken profile fails when the transform is built; a try-out on few colours finds the rest.
        if channels == 3 and _is_srgb(profile):
            return image, None, notes
        if channels == 1:
            _to_srgb_16(vips.attach(vips.from_array(_ramp()[:, :, :1], "b-w"), "icc-profile-data", profile))
        converted = _to_srgb_16(vips.attach(image, "icc-profile-data", profile))
        kept_profile = profile if keep and channels == 3 and _works_backwards(profile) else None
    except vips.Error:
        notes.append(IGNORED)
        return (_three(image) if image.bands == 1 else image), None, notes
    if keep and channels == 3 and kept_profile is None:
        notes.append("its colour profile works in one direction only, so the result will be sRGB")
    return converted, kept_profile, notes


def from_srgb(image: vips.Image, profile: bytes, depth: int) -> vips.Image:
    """Convert sRGB to another RGB space.

    Args:
        image: three bands of 16-bit sRGB.
        profile: the ICC profile of the result.
        depth: its bits per sample, 8 or 16.

    Returns:
        Three bands in that space.

    Raises:
        vips.Error: the profile cannot be used.
    """
    connection = image.icc_import(input_profile="srgb", intent="relative", black_point_compensation=True)
    connection = vips.attach(connection, "icc-profile-data", profile)
    return connection.icc_export(depth=depth, intent="relative", black_point_compensation=True)


def _cmyk(image: vips.Image, profile: bytes | None, notes: list[str]) -> tuple[vips.Image, bytes | None, list[str]]:
    if profile is not None:
        try:
            grid = vips.from_array(np.concatenate([_grid(), _grid()[:, :, :1]], axis=2), "cmyk")
            vips.to_array(_to_srgb_16(vips.attach(grid, "icc-profile-data", profile)))
            converted = _to_srgb_16(vips.attach(image, "icc-profile-data", profile))
        except vips.Error:
            notes.append(IGNORED.replace("sRGB", "usual printing inks"))
        else:
            return converted, None, [*notes, "converted from printing inks (CMYK) to sRGB"]
    image = image.icc_transform(
        "srgb", input_profile="cmyk", intent="relative", black_point_compensation=True, depth=16
    )
    return (
        image,
        None,
        [*notes, "converted from printing inks (CMYK) to sRGB without a profile; colours may be off"],
    )


def _to_srgb_16(image: vips.Image) -> vips.Image:
    return image.icc_transform("srgb", embedded=True, intent="relative", black_point_compensation=True, depth=16)


def _three(image: vips.Image) -> vips.Image:
    interpretation = "srgb" if image.format == "uchar" else "rgb16"
    return image.bandjoin([image, image]).copy(interpretation=interpretation)


def _channels_of(profile: bytes | None) -> int | None:
    """How many channels the profile is for; None if it is none, or one that lcms cannot use.

    Asked of lcms through Pillow, because libvips takes sRGB in the place of a broken profile and does not say
    so.
    """
    if profile is None or not 128 < len(profile) <= _LARGEST_PROFILE:
        return None
    channels = _SPACES.get(profile[16:20])
    if channels is None:
        return None
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        srgb = ImageCms.ImageCmsProfile(BytesIO(vips.SRGB_PROFILE))
        ImageCms.buildTransform(source, srgb, {1: "L", 3: "RGB", 4: "CMYK"}[channels], "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return channels


def _ramp() -> NDArray[np.uint8]:
    return np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)


@cache
def _grid() -> NDArray[np.uint8]:
    """Colours all over the cube, (27, 27, 3)."""
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    return np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)


def _is_srgb(profile: bytes) -> bool:
    grid = _grid()
    there = vips.to_array(_to_srgb_16(vips.attach(vips.from_array(grid, "srgb"), "icc-profile-data", profile)))
    return bool(np.abs(there / 65535 - grid / 255).max() <= _SAME)


def _works_backwards(profile: bytes) -> bool:
    """Whether sRGB colours survive the way into the profile and back. Scanner profiles go one way only."""
    grid = _grid()
    try:
        sent = from_srgb(vips.from_array(grid.astype(np.uint16) * 257, "rgb16"), profile, 16)
        back = vips.to_array(_to_srgb_16(vips.attach(sent, "icc-profile-data", profile)))
    except vips.Error:
        return False
    return bool(np.abs(back / 65535 - grid / 255).mean() <= _COMES_BACK)
