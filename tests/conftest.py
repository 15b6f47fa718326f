"""What all tests share: photos that anyone may use, a tiny painter made on the spot, and who is skipped why."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from flamingo import weights

ROOT = Path(__file__).parents[1]

# How long an example takes is no matter of right and wrong, and a busy machine takes any time.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed (extra `train`)"
)
needs_models = pytest.mark.skipif(
    "painter-fine" not in weights.models(), reason="no trained painter is in flamingo/weights"
)

# Folders whose files take longest: they begin, so that no process is left alone with one of them at the end.
_LONG = (
    "studio/pages", "studio", "train/painting", "train/mood", "composing", "jobs", "filming", "docs", "methods", ".",
)  # fmt: skip


# Folders whose files share a server or a trained model, so that one process of pytest has all of them.
_TOGETHER = ("studio/pages", "studio", "jobs", "composing")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def turn(item: pytest.Item) -> int:
        folder = item.path.relative_to(ROOT / "tests").parent.as_posix()
        return _LONG.index(folder) if folder in _LONG else len(_LONG)

    items.sort(key=turn)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests of one file, or of one of the folders above, go to the same process. (xdist's own groups are lost with
    pytest 9.2, which takes no other node ids.)"""
    from xdist.scheduler.loadscope import LoadScopeScheduling

    class ByServer(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            folder = file.rpartition("/")[0].removeprefix("tests/")
            return folder if folder in _TOGETHER else file

    return ByServer(config, log)


# Servers and workers that all tests of a folder share, and the folder. When a process of pytest goes on to another
# folder they end, for each looks for work several times a second.
_OF_A_FOLDER = {
    "studio": "studio/pages",
    "served": "studio",
    "jobs": "jobs",
    "postgres_jobs": "jobs",
    "postgres_server": "jobs",
}


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    if nextitem is not None and nextitem.path.parent == item.path.parent:
        return
    for name, folder in _OF_A_FOLDER.items():
        home = ROOT / "tests" / folder
        if home in item.path.parents and (nextitem is None or home not in nextitem.path.parents):
            for fixture in item.session._fixturemanager.getfixturedefs(name, item) or ():
                if fixture.scope == "session":
                    fixture.finish(item._request)  # type: ignore[attr-defined]


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Signing keys, grades and personas that tests make do not end among the developer's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("home")))
        base = tmp_path_factory.getbasetemp()
        # Compiled networks, once for all processes of pytest.
        patch.setenv("FLAMINGO_CACHE", str((base.parent if base.name.startswith("popen-") else base) / "cache"))
        for name in ("IDENTITY", "CREDENTIALS", "DATA", "PERSONAS", "STYLES"):
            patch.delenv(f"FLAMINGO_{name}", raising=False)
        yield


@pytest.fixture(scope="session")
def vgg_weights() -> None:
    """For tests that need VGG-19."""
    from flamingo.errors import ModelMissing
    from flamingo.vgg.weights import load

    try:
        load()
    except ModelMissing as error:
        pytest.skip(str(error))


@pytest.fixture
def photos() -> Path:
    """The folder of freely licensed demo photos."""
    return ROOT / "docs" / "photos"


@pytest.fixture
def cat(photos: Path) -> NDArray[np.float32]:
    """A photo of a cat, float32 (200, 300, 3) in [0, 1]."""
    with Image.open(photos / "chelsea.jpg") as opened:
        return np.asarray(opened.convert("RGB").resize((300, 200)), dtype=np.float32) / np.float32(255)


@pytest.fixture
def fresh_caches() -> Iterator[None]:
    """For tests that change the environment: forget what was chosen and loaded, before and after."""
    from flamingo import runtime
    from flamingo.painting import styles

    def forget() -> None:
        for cached in (
            runtime.chosen,
            runtime.load,
            weights._manifest,
            weights._checked,
            styles._styles,
            styles._vectors,
        ):
            cached.cache_clear()

    forget()
    yield
    forget()


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A Ray cluster on this computer, for all tests of a file; the first that asks for it starts it."""
    ray = pytest.importorskip("ray", reason="ray is not installed (extra `ray`)")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        yield
        ray.shutdown()
