"""What the tests of composing share: the folder they import helpers from, and a piece that is rendered once."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def rendered() -> NDArray[np.float32]:
    """The sound of `pieces.scale()` at 44,100 samples a second."""
    import pieces

    from flamingo.composing import sound

    return sound.render(pieces.scale())
