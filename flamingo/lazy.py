"""Names of a package that are imported when they are first asked for (PEP 562)."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["on_demand"]


def on_demand(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package. homes: for each name the module that has it, or, where the name stands for
    another attribute or a whole module, "module:attribute" or "module:"."""

    def get(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, colon, attribute = home.partition(":")
        value: Any = importlib.import_module(module)
        if attribute or not colon:
            value = getattr(value, attribute or name)
        if f"{package}.{name}" not in sys.modules:  # or a module of that name would be hidden from `import`
            setattr(sys.modules[package], name, value)
        return value

    return get
