"""What an annotation says: a class, by the names that data sets use, and a box."""

import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

from facecover.errors import LabelError, did_you_mean

NO_MASK, MASK, INCORRECT_MASK = 0, 1, 2

CLASS_NAMES: tuple[str, ...] = ("no_mask", "mask", "incorrect_mask")
"""Class names by label: nose and mouth bare, covered by something worn, worn but not covering."""


class Box(NamedTuple):
    """A face in its image, in pixels; `x1` and `y1` are exclusive."""

    x0: int
    y0: int
    x1: int
    y1: int


# Spellings found in public face-mask data sets, after `_simplify` (lower case, no separators).
_KNOWN_NAMES: dict[str, int] = {
    **dict.fromkeys(
        ("nomask", "withoutmask", "nonmask", "nonmasks", "nonmasked", "unmasked", "notmasked",
         "maskless", "bare", "face", "no", "0", "false", "uncovered", "unmaskedface",
         "unmaskedfaces", "facenomask", "nofacemask", "facewithoutmask", "withoutfacemask",
         "maskoff", "notwearingmask"),
        NO_MASK,
    ),
    **dict.fromkeys(
        ("mask", "masks", "withmask", "masked", "maskon", "facemask", "yes", "1", "true",
         "covered", "correctmask", "withcorrectmask", "maskwearedcorrect", "maskedface",
         "maskedfaces", "facewithmask", "withfacemask", "wearingmask"),
        MASK,
    ),
    **dict.fromkeys(
        ("incorrectmask", "withincorrectmask", "maskwearedincorrect", "incorrect", "2",
         "maskwornincorrectly", "improperlyworn", "incorrectlymasked", "incorrectlywornmask",
         "incorrectlymaskedface", "facewithmaskincorrect"),
        INCORRECT_MASK,
    ),
}  # fmt: skip

IGNORE = "ignore"
"""What a name is mapped to that is to be left out."""

_NUMBER = re.compile(r"(-?\d+)(?:\.0*)?", re.ASCII)


def _simplify(name: str) -> str:
    # A number keeps its sign, so that -1 is not taken for 1; spreadsheets write 1 as 1.0.
    number = _NUMBER.fullmatch(name.strip())
    # Some systems write an accent of a folder's name as a character of its own.
    word = unicodedata.normalize("NFC", name)
    return number[1] if number else re.sub(r"[\s_\-.]+", "", word).casefold()


def class_name(label: int) -> str:
    """The canonical name of a label in 0..2.

    Raises:
        LabelError: if there is no such label.
    """
    if not 0 <= label < len(CLASS_NAMES):
        raise LabelError(f"label {label}: expected 0 to {len(CLASS_NAMES) - 1} ({_canonical()})")
    return CLASS_NAMES[label]


def is_known(name: str, mapping: Mapping[str, str] | None = None) -> bool:
    """Whether `resolve_label` would find a label for this class name, or it is to be ignored."""
    return _find(name, mapping or {}) is not None or is_ignored(name, mapping or {})


def is_mapped(name: str, mapping: Mapping[str, str]) -> bool:
    """Whether the user's mapping says what this class name means."""
    return _simplify(name) in map(_simplify, mapping)


def is_ignored(name: str, mapping: Mapping[str, str]) -> bool:
    """Whether the user's mapping leaves this class name out."""
    return any(
        _simplify(key) == _simplify(name) and _simplify(target) == IGNORE
        for key, target in mapping.items()
    )


def resolve_label(name: str, mapping: Mapping[str, str] | None = None, *, where: str = "") -> int:
    """The label in 0..2 that a data set's class name stands for.

    Args:
        name: a class name as found in a folder, a file name, a CSV or an annotation;
            case, spaces, dots, hyphens and underscores do not matter.
        mapping: the user's own names, each with a name known here; wins over the known ones.
        where: the file or folder that the name was found in, for the message.

    Raises:
        LabelError: if the name, or what it is mapped to, is unknown.
    """
    label = _find(name, mapping or {})
    if label is not None:
        return label
    place = f"{where}: " if where else ""
    raise LabelError(
        f"{place}unknown class name {name!r}{_close_name(name)}; map it with "
        f"{proposals('--map', name)}; known are {known_names()}"
    )


def _find(name: str, mapping: Mapping[str, str]) -> int | None:
    own = {_simplify(key): value for key, value in mapping.items()}
    wanted = own.get(_simplify(name), name)
    return _KNOWN_NAMES.get(_simplify(wanted))


# What the words of an unknown name say. Of "mask" beside words that are not listed nothing is
# concluded: "ohne Maske" would become a mask.
_WRONG = re.compile(r"\b(incorrect|improper|wrong|partial|under|below|chin|not .*(correct|proper))")
_BARE = re.compile(
    r"\b(no|non|not|un|without|wo)( (a|any|face|facial|wearing|wear))* ?mask"
    r"|(no|un|non|not|without)mask|mask(s|ed)? ?(off|less|free)"
)
_WORN = re.compile(
    r"((with|wearing|wears|wear|has|a|on|face|faces|facial|person|people|photos?|images?|correct"
    r"|correctly|proper|properly|surgical|medical|cloth|mask|masks|masked)( |$))+"
)


def _meaning(name: str) -> int | None:
    """The label that the words of an unknown class name speak of; None if they speak of none."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).casefold()
    text = " ".join(re.findall(r"[^\W\d_]+", spaced))
    if "mask" not in text:
        return None
    found = ((INCORRECT_MASK, _WRONG.search), (NO_MASK, _BARE.search), (MASK, _WORN.fullmatch))
    return next((label for label, says in found if says(text)), None)


def proposals(option: str, name: str) -> str:
    """How to say what a name stands for: only what its words say, else every way.

    Args:
        option: ``--map``, or ``--label`` of a source, which has no ``ignore``.
        name: as found.
    """
    meaning = _meaning(name)
    ways = [CLASS_NAMES[meaning]] if meaning is not None else [*CLASS_NAMES[MASK::-1]]
    if meaning is None and option == "--map":
        ways.append(IGNORE)
    texts = [f"{option} {f'{name}={way}'!r}" for way in ways]
    return " or ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))


def _close_name(name: str) -> str:
    meaning = _meaning(name)
    names = [known for known, label in _KNOWN_NAMES.items() if meaning in (None, label)]
    return did_you_mean(_simplify(name), names, cutoff=0.8)


def parse_mapping(pairs: list[str]) -> dict[str, str]:
    """`["their name=mask", "other=ignore", ...]` as a mapping, each target checked.

    Raises:
        LabelError: if a pair has no `=` or maps onto an unknown name, or two pairs disagree.
    """
    mapping: dict[str, str] = {}
    simple: dict[str, str] = {}
    for pair in pairs:
        name, equals, target = pair.rpartition("=")
        if not equals or not name:
            raise LabelError(
                f"--map {pair!r}: expected THEIR_NAME=CLASS with CLASS of {_canonical()}, {IGNORE}"
            )
        if _simplify(target) not in (*_KNOWN_NAMES, IGNORE):
            raise LabelError(
                f"--map {pair!r}: unknown class {target!r}; expected {_canonical()} or {IGNORE}"
            )
        before = simple.setdefault(_simplify(name), target)
        if _find(before, {}) != _find(target, {}):
            raise LabelError(f"--map {pair!r}: {name!r} is already mapped to {before!r}; keep one")
        mapping[name] = target
    return mapping


def _canonical() -> str:
    return ", ".join(CLASS_NAMES)


def known_names() -> str:
    """Every class name that needs no mapping, by label, for a message."""
    return "; ".join(
        f"{CLASS_NAMES[label]}: " + ", ".join(k for k, v in _KNOWN_NAMES.items() if v == label)
        for label in range(len(CLASS_NAMES))
    )
