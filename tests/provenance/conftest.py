"""What the tests of provenance share: a home of their own for the key, a result to sign, and another person's key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from flamingo.images import Picture
from flamingo.provenance import Origin
from tests.provenance.keys import certificate, keep

PHOTO = "ab" * 32
RECIPE: dict[str, Any] = {"style": "starry-night", "strength": 0.1, "size": None, "seed": 2**32 - 1}


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for this machine's own key, so that the tests leave the user's alone."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder))
        patch.delenv("FLAMINGO_IDENTITY", raising=False)
        patch.delenv("FLAMINGO_CREDENTIALS", raising=False)
        yield folder


@pytest.fixture
def origin() -> Origin:
    """What made a painted photo."""
    return Origin("paint", RECIPE, (PHOTO,))


@pytest.fixture
def picture() -> Picture:
    """A small picture with EXIF, of colours that no two pixels share."""
    rgb = np.random.default_rng(5).random((24, 32, 3), dtype=np.float32)
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x0f\0\2\0\0\0\4Cam\0\0\0\0\0"
    return Picture(rgb=rgb, exif=exif)


@pytest.fixture
def someone(tmp_path: Path) -> Path:
    """The folder of a user named Ada, to whom an authority gave a certificate."""
    root, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    chain = certificate(key, "Ada", "Authority", root), certificate(root, "Authority", "Authority", root)
    return keep(tmp_path / "ada", key, *chain)
