"""Flamingo's studio in the browser, and its HTTP API: what `flamingo serve` starts.

`create_app` makes the application from a `Studio` that is open (settings, jobs, workers); `serve` does all of it.
The modules below `api` and `pages` have a router each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flamingo.lazy import on_demand

if TYPE_CHECKING:
    from flamingo.studio.app import create_app
    from flamingo.studio.serve import serve
    from flamingo.studio.settings import Limits, StudioSettings
    from flamingo.studio.state import Studio

__all__ = ["Limits", "Studio", "StudioSettings", "create_app", "serve"]

# On demand, since the command line reads the options of `serve` without serving, and the process that looks at
# uploads is in this package too.
_HOMES = {
    "create_app": "flamingo.studio.app",
    "serve": "flamingo.studio.serve",
    "Limits": "flamingo.studio.settings",
    "StudioSettings": "flamingo.studio.settings",
    "Studio": "flamingo.studio.state",
}

__getattr__ = on_demand(__name__, _HOMES)
