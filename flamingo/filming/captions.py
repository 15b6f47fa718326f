"""Which descriptions in EXIF data a person wrote: cameras and programs fill the tag with words of their own."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["written_by_a_person"]

_MAKERS = (
    "olympus|om|sony|minolta|konica|kodak|eastman|samsung|techwin|nikon|casio|pentax|ricoh|sanyo|panasonic|lumix|canon|"
    "fuji|fujifilm|film|leica|hp|hewlett|packard|polaroid|vivitar|benq|agfa|agfaphoto|jenoptik|kyocera|epson|"
    "toshiba|jvc|sigma|ge|general imaging|medion|praktica|rollei|traveler|aiptek|kenox|digimax|dji|gopro|apple|"
    "huawei|xiaomi|motorola|nokia|lg|lge|htc|oneplus|google|oppo|vivo|realme|honor|zte|asus|lenovo|blackberry|hasselblad|"
    "concord|hitachi|maginon|mustek|premier|skanhex|sipix|trust|yakumo"
)
_GENERIC = (
    "digital|still|camera|cameras|dsc|dcim|exif|jpeg|jpg|picture|pictures|image|images|img|photo|photos|photograph|"
    "untitled|default|corporation|corp|company|co|ltd|inc|optical|electric|imaging|the|by|with|taken|of|a|no|"
    "description|caption|title|comment|none|null|n|unknown|ascii|series|powershot|coolpix|finepix|dimage|cybershot|easyshare|"
    "camedia|exilim|optio|digimax|binary|screenshot|software|mobile|phone|smartphone|user|users|comments|computer|electronics|ericsson|instruments|ist|imagery"
)
_WORDS = re.compile(rf"(?:{_MAKERS}|{_GENERIC})")
_PROGRAMS = re.compile(
    r"(?:created|made|edited|processed|taken|captured|shot|exported|produced|generated|saved|scanned|written)"
    r"\s+(?:with|by|using|in|on|from)\s+(?:the\s+)?"
    r"(?:gimp|adobe|photoshop|lightroom|vsco|snapseed|instagram|picasa|paint|acdsee|irfanview|imagemagick|darktable|"
    r"rawtherapee|digikam|photoscape|pixelmator|affinity|corel|paintshop|inkscape|google|samsung|apple|iphone|ipad|"
    r"windows|canva|matplotlib|vuescan|epson|hp|canon|flickr|facebook|whatsapp|meitu|b612|retrica|camera\+|prisma|"
    r"open camera|hdr|aurora|luminar|dxo|capture one|nero|ulead|microsoft|xnview|fotor|polarr|picsart|paint\.net)\b.*"
    r"|file written by adobe photoshop.*|creator: gd-jpeg.*|lead technologies.*|applemark.*|processed by \w+.*"
    r"|optimized by jpegmini.*|compressed by .*|ripped by .*|intel\(r\) jpeg library.*|jasc .*|ms paint.*"
    r"|xv version.*"
)
# What camera programs of some phones write: which mode was on.
_MODES = re.compile(
    r"(?:dav|edf|hdr(?:pl)?|rhdr|sdr|cof|nor|oznor\w*|fbt\w*|mde|smart|ptr|btf|btr|bst|cuci|rpt\w*|sdr_hdrb|burst|"
    r"maker:\w+|jpeg_?quality.*|\w{3,6};\w{3,6};.*|filter: \d+; .*|<.*(?:digimax|kenox|samsung).*>)"
)
_PATH = re.compile(r"(?:[a-z]:)?[\\/]?(?:dcim|\d{3}[a-z_\d]{5}|pictures|photos)[\\/].*", re.IGNORECASE)
_FILE = re.compile(
    r"(?:img|dsc|dscn|dscf|dji|gopr|pict|sam|p|mvimg|pxl|image|photo|screenshot|_mg)[-_ ]?[\d_-]+(?:\.\w{3,4})?"
)


def written_by_a_person(text: str, camera: tuple[str, str] = ("", "")) -> str:
    """The description, or "" where it is what cameras and programs write. camera: its maker and model."""
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    low = text.casefold().strip(" .,;:!-_*#'\"[]()")
    if not low or not any(char.isalnum() or unicodedata.category(char) in ("So", "Sk") for char in text):
        return ""
    if any(form.fullmatch(low) for form in (_PROGRAMS, _MODES, _PATH, _FILE)):
        return ""
    own = {word for part in camera for word in re.findall(r"[^\W_]+", part.casefold())}
    words = re.findall(r"[^\W_]+", low)
    if words and all(word in own or _WORDS.fullmatch(word) or re.fullmatch(r"[a-z]*\d+\w*", word) for word in words):
        machine_words = [word for word in words if word in own or _WORDS.fullmatch(word)]
        # Numbers alone, such as a year, may be what a person wrote; beside a maker's name they are a model's.
        return "" if machine_words and all(word.isascii() for word in words) else text
    return text
