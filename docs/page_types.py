"""Makes the types that the pages' modules are checked against: run `script/page-types` after the API or a template
has changed.

`api.d.ts` holds what the HTTP API takes and gives, from its own OpenAPI document; `elements.d.ts` the kind of element
that stands behind each id of the templates. Both lie in flamingo/studio/pages/types; no browser loads them.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flamingo.jobs import Settings
from flamingo.studio import Studio, StudioSettings
from flamingo.studio.app import create_app

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "flamingo" / "studio" / "pages"
_HEAD = "// Made by `script/page-types`; do not edit.\n"

_TAGS = {
    "a": "HTMLAnchorElement",
    "button": "HTMLButtonElement",
    "canvas": "HTMLCanvasElement",
    "datalist": "HTMLDataListElement",
    "details": "HTMLDetailsElement",
    "dialog": "HTMLDialogElement",
    "fieldset": "HTMLFieldSetElement",
    "form": "HTMLFormElement",
    "img": "HTMLImageElement",
    "input": "HTMLInputElement",
    "output": "HTMLOutputElement",
    "progress": "HTMLProgressElement",
    "script": "HTMLScriptElement",
    "select": "HTMLSelectElement",
    "table": "HTMLTableElement",
    "textarea": "HTMLTextAreaElement",
    "video": "HTMLVideoElement",
}
"""What a template's tag is in a browser; all others are an HTMLElement."""


def openapi() -> dict[str, Any]:
    """The OpenAPI document of a studio with its usual settings. Nothing is started, and nothing stays behind."""
    with tempfile.TemporaryDirectory() as folder:
        return create_app(Studio(StudioSettings(Settings(Path(folder), memory=1 << 30)))).openapi()


def api_types(document: Mapping[str, Any]) -> str:
    """The schemas of an OpenAPI document as TypeScript interfaces in the namespace Api."""
    sent = set(re.findall(r"'#/components/schemas/(\w+)'", str([*_bodies(document)]))) | {"FileIn", "ResultIn"}
    lines = [_HEAD, "declare namespace Api {"]
    for name, schema in sorted(document["components"]["schemas"].items()):
        lines += _interface(name, schema, name in sent)
    return "\n".join([*lines, "}", ""])


def _bodies(document: Mapping[str, Any]) -> Iterator[Any]:
    """What requests hold, by operation."""
    for operations in document["paths"].values():
        for operation in operations.values():
            yield operation.get("requestBody")


def _interface(name: str, schema: Mapping[str, Any], sent: bool) -> list[str]:
    about = " ".join(schema.get("description", "").split())
    lines = ["", f"  /** {about} */"] if about else [""]
    if "properties" not in schema:
        return [*lines, f"  type {name} = {_type(schema)};"]
    lines.append(f"  interface {name} {{")
    # What is sent may leave out what has a default; what comes back has all of it.
    needed = set(schema.get("required", ())) if sent else set(schema["properties"])
    for key, value in schema["properties"].items():
        if about := " ".join(value.get("description", "").split()):
            lines.append(f"    /** {about.replace('*/', '* /')} */")
        lines.append(f"    {key}{'' if key in needed else '?'}: {_type(value)};")
    return [*lines, "  }"]


def _type(schema: Mapping[str, Any]) -> str:
    """The TypeScript type of a JSON schema; `unknown` where it says nothing."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " | ".join(dict.fromkeys(_type(each) for each in schema[several]))
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " | ".join(f'"{each}"' if isinstance(each, str) else str(each).lower() for each in values)
    kind = schema.get("type")
    if kind == "array":
        if "prefixItems" in schema:
            return f"[{', '.join(_type(each) for each in schema['prefixItems'])}]"
        item = _type(schema.get("items", {}))
        return f"({item})[]" if " | " in item else f"{item}[]"
    if kind == "object":
        more = schema.get("additionalProperties", True)
        return f"{{ [name: string]: {_type(more) if isinstance(more, dict) else 'unknown'} }}"
    names = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean", "null": "null"}
    return names.get(str(kind), "unknown")


def element_types(templates: Mapping[str, str]) -> str:
    """The element behind each id, as an interface. templates: their texts by name. An id that stands on different
    kinds of element, on different pages, is one of them."""
    found: dict[str, set[str]] = {}
    for name, text in templates.items():
        if name == "macros.html":
            continue
        for element in re.finditer(r"<([a-z][a-z0-9]*)\b[^<>]*?\sid=\"([\w-]+)\"", re.sub(r"\{\{.*?\}\}", "", text)):
            found.setdefault(element[2], set()).add(_TAGS.get(element[1], "HTMLElement"))
        for macro, given in re.findall(r"\bm\.(dropzone|compare|job|rating)\((.*?)\)", text):
            first = re.match(r'"([\w-]+)"', given)
            usual = "job" if macro == "job" else "rating"
            id = first[1] if first else usual
            kind = {"dropzone": "HTMLElement", "rating": "HTMLFieldSetElement"}.get(macro, "HTMLElement")
            found.setdefault(id, set()).add(kind)
            if macro == "dropzone":
                found.setdefault(f"{id}-file", set()).add("HTMLInputElement")
    lines = [_HEAD, "/** The elements of the templates, by their ids. */", "interface ElementsById {"]
    lines += [f'  "{name}": {" | ".join(sorted(kinds))};' for name, kinds in sorted(found.items())]
    return "\n".join([*lines, "}", ""])


def made() -> dict[Path, str]:
    """The files that are to be, and what is to be in them."""
    templates = {path.name: path.read_text(encoding="utf-8") for path in (PAGES / "templates").glob("*.html")}
    return {
        PAGES / "types" / "api.d.ts": api_types(openapi()),
        PAGES / "types" / "elements.d.ts": element_types(templates),
    }


if __name__ == "__main__":
    for path, text in made().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
