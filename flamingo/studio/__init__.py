"""Flamingo's studio in the browser, and its HTTP API: what `flamingo serve` starts.

`create_app` makes the application from a `Studio` that is open (settings, jobs, workers); `serve` does all of it.
The modules below `api` and `pages` have a router each.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flamingo.studio.app import create_app
    from flamingo.studio.serve import serve
    from flamingo.studio.settings import Limits, StudioSettings
    from flamingo.studio.state import Studio

__all__ = ["Limits", "Studio", "StudioSettings", "create_app", "serve"]

_MODULES = {
    "create_app": "app",
    "serve": "serve",
    "Limits": "settings",
    "StudioSettings": "settings",
    "Studio": "state",
}


def __getattr__(name: str) -> Any:
    # On demand, since the command line reads the options of `serve` without serving, and the process that looks at
    # uploads is in this package too.
    if name in _MODULES:
        return getattr(importlib.import_module(f"flamingo.studio.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
