"""What is computed here is what torch computes: sizes, the objective, its derivative, and 50 steps of it."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="torch is not installed (extra `torch`)")

from torch.nn import functional as F  # noqa: E402

from flamingo.painting.methods.features import averaged, resized, to_pixels, to_planes  # noqa: E402
from flamingo.painting.methods.objective import Canvas, Objective, Terms  # noqa: E402
from flamingo.painting.methods.settings import Settings  # noqa: E402
from flamingo.painting.methods.stepping import Stepper  # noqa: E402
from flamingo.vgg.network import VGG19  # noqa: E402
from tests.methods import reference  # noqa: E402

Pixels = NDArray[np.float32]


@pytest.mark.parametrize(("height", "width"), [(48, 64), (33, 100), (17, 23), (70, 128), (48, 20)])
def test_pictures_are_resized_as_torch_resizes_them(photo: Pixels, height: int, width: int) -> None:
    x = to_planes(photo)
    expected = F.interpolate(torch.from_numpy(x), (height, width), mode="bicubic", antialias=True)
    assert np.abs(resized(x, height, width) - expected.numpy()).max() < 1e-5
    expected = F.interpolate(torch.from_numpy(x), (height, width), mode="area")
    assert np.abs(averaged(x, height, width) - expected.numpy()).max() < 1e-5
    assert np.array_equal(to_pixels(x), photo)


class _Both:
    """Our objective, which looks up at each picture what torch says of it."""

    def __init__(self, photo: Pixels, painting: Pixels) -> None:
        self._ours = Objective(VGG19.load(), photo, [Canvas(painting, 1.0, None)], Settings())
        self._theirs = reference.Objective(photo, painting)
        self.values: list[tuple[float, float]] = []
        self.apart: list[float] = []

    def __call__(self, picture: Pixels) -> Terms:
        terms = self._ours(picture)
        self.values.append((terms.objective, self._theirs(picture).objective))
        return terms

    def gradient(self) -> Pixels:
        ours, theirs = self._ours.gradient(), self._theirs.gradient()
        self.apart.append(float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)))
        return ours


def test_at_each_of_50_steps_loss_and_derivative_are_those_of_torch(photo: Pixels, painting: Pixels) -> None:
    x = to_planes(photo)
    both = _Both(x, to_planes(painting))
    stepper = Stepper(x, Settings())
    for _ in range(50):
        stepper.step(both, lambda terms: True)  # type: ignore[arg-type]
    ours, theirs = np.array(both.values).T
    assert ours == pytest.approx(theirs, rel=1e-5)
    # Where two numbers are equal but for rounding, a pooling may choose another place than torch's.
    assert np.median(both.apart) < 1e-4 and max(both.apart) < 0.1


@pytest.mark.parametrize(("optimiser", "tolerance"), [("adam", 1e-3), ("lbfgs", 0.02)])
def test_after_50_steps_the_loss_is_that_of_a_run_in_torch(
    photo: Pixels, painting: Pixels, optimiser: str, tolerance: float
) -> None:
    """Adam's runs stay together. In L-BFGS's, rounding grows from step to step, in torch from one number of threads
    to another as well."""
    x = to_planes(photo)
    settings = Settings(optimiser=optimiser)  # type: ignore[arg-type]
    objectives = (
        Objective(VGG19.load(), x, [Canvas(to_planes(painting), 1.0, None)], settings),
        reference.Objective(x, to_planes(painting)),
    )
    runs = []
    for objective in objectives:
        values: list[float] = []
        stepper = Stepper(x, settings)
        for _ in range(50):
            stepper.step(objective, lambda terms, values=values: values.append(terms.objective) or True)  # type: ignore
        runs.append(values)
    assert runs[0][-1] == pytest.approx(runs[1][-1], rel=tolerance)
    assert runs[0][-1] < 0.5 * runs[0][0]


def test_masks_and_styles_have_the_derivative_that_they_should(photo: Pixels, painting: Pixels) -> None:
    """The slope uphill, of an objective with all its parts, is what its gradient says."""
    x = to_planes(photo)
    mask = np.zeros((1, 1, *photo.shape[:2]), np.float32)
    mask[..., :30] = 0.8
    canvases = [
        Canvas(to_planes(painting), 0.6, mask),
        Canvas(x[..., ::-1].copy(), 0.3, np.asarray(0.7 - mask / 2, np.float32)),
    ]
    for losses in ("relative", "absolute", "raw"):
        settings = Settings(losses=losses, variation_weight=0.5, pooling="average", strength=0.9)
        objective = Objective(VGG19.load(), x, canvases, settings)
        random = np.random.default_rng(0)
        at = np.clip(x + 0.1 * random.standard_normal(x.shape, dtype=np.float32), 0.1, 0.9)
        objective(at)
        gradient = objective.gradient()
        way = gradient / np.sqrt(np.square(gradient).mean())
        slope = float((gradient * way).sum())
        step = np.float32(1e-3)
        found = (objective(at + step * way).objective - objective(at - step * way).objective) / 2e-3
        assert found == pytest.approx(slope, rel=0.02), losses


def test_it_takes_no_torch() -> None:
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np\n"
        "from flamingo.painting.methods import Settings, Style, dream, optimise\n"
        "from flamingo.painting.methods.dreaming import Dream\n"
        "photo = np.random.default_rng(0).random((40, 48, 3), dtype=np.float32)\n"
        "done = optimise(photo, [Style(photo[:, ::-1].copy())], Settings(steps=3))\n"
        "print(done.whole, dream(photo, Dream(layers=('relu2_1',), octaves=1, steps=1)).shape)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=True)
    assert done.stdout.strip() == "True (40, 48, 3)"
