"""Who is in a photo, as far as file names tell: persons' names, and mere series.

``Adrien_Brody_0003`` names a person; ``with_mask_12``, ``img (12)`` and ``0_0_0 copy 10`` count.
Which is which is seen from the data: a name varies while the pattern around it stays
(``0_0_anhu_0077``, ``1_0_aidai_0003``, ...), a series repeats one word.
"""

import re
from dataclasses import dataclass

import pandas as pd

from facecover.labels import is_known

IDENTITY, SERIES = "identity", "series"

MIN_TWO_WORD_NAMES = 3
"""So many different ``given_family`` names, each with several files, make a pattern of names."""

MIN_ONE_WORD_NAMES = 10
"""Single words need more: colours, moods and kinds of masks are single words too."""

MAX_NAME_SHARE = 0.5
"""A word in more of a source's files than this is its subject, not one of its persons."""

MIN_SERIES_FILES = 10
"""A pattern with fewer files is not reported."""

# Words of file names that are no persons' names.
_NO_NAMES = """
a aligned an and angry another art aug augment augmented back background bad bandana bare
black blue body bottom camera capture clean closeup cloth color colour copy correct cover
covered crop cropped crowd cup cut data dataset default disgust download dsc dscf dscn edited
eye face faces facial false fear female file fixed flip flipped foto frame front fake gan
gray green grey group hand happy head helmet hijab id image images img imgs in incorrect
input item kf kn label left main male man mask masked maskface masks men mirror mix mouth
neutral new night niqab no non none normal nose not of off oip old on one orange original
other out output page part people person photo photos pic pics picture pink plain png
portrait pxl purple random raw real red resized respirator result right rotated sad sample
samples scan scarf scene scenes screen screenshot selfie set shield shot side small street
surgical surprise surprised test the tmp top train true two unmasked unnamed untitled upper
user val valid validation vid video wearing weared web white wide with without woman women
wrong yell yellow yes
"""
_WORDS = frozenset(_NO_NAMES.split())

_COPY = re.compile(r"[ _-]*(\((another )?copy( \d+)?\)|\bcopy\b( \d+)*|\(\d+\))$", re.IGNORECASE)
_LETTERS = r"[^\W\d_]+(?:['\u2019.][^\W\d_]*)*"
_NAMED = re.compile(
    rf"(?P<lead>(?:\d+[ _-]+)*)(?P<name>{_LETTERS}(?:[ _-]+{_LETTERS})*)(?P<sep>[ _-]+)\d+"
)
_NAMED_FOLDER = re.compile(rf"{_LETTERS}(?:[ _-]+{_LETTERS})+")
_DIGITS = re.compile(r"\d+")
_SEPARATORS = re.compile(r"[ _-]+")


@dataclass(frozen=True)
class NamePattern:
    """A pattern that several file names of a source share.

    Attributes:
        source: the source's name.
        pattern: with ``{n}`` for numbers and ``{name}`` for persons' names.
        kind: ``identity`` or ``series``.
        files: how many files it fits.
        identities: how many different names; 0 for a series.
        example: one of the names.
    """

    source: str
    pattern: str
    kind: str
    files: int
    identities: int
    example: str


@dataclass(frozen=True)
class Identities:
    """What file names tell of a table's samples.

    Attributes:
        identity: the person's name for each sample, in lower case with single spaces, or null;
            the same name in two sources is one person.
        patterns: what was recognised: identities first, then series, each by number of files.
    """

    identity: "pd.Series[str]"
    patterns: tuple[NamePattern, ...]

    @property
    def count(self) -> int:
        """How many different persons are named."""
        return int(self.identity.nunique())


def find_identities(table: pd.DataFrame) -> Identities:
    """Recognise persons' names and series in the paths of some samples.

    Args:
        table: samples with ``source`` and ``path``.
    """
    parsed = [_parsed(path) for path in table["path"]]
    names = pd.DataFrame(parsed, index=table.index, columns=list(_parsed("")))
    names["source"] = table["source"].astype(str)
    identity = pd.Series(pd.NA, index=table.index, dtype="string")
    patterns: list[NamePattern] = []
    for template, named in (("file_pattern", "file_name"), ("folder_pattern", "folder_name")):
        some = names[names[named].notna() & identity.isna()]
        for _, rows in some.groupby(["source", template], sort=True):
            total = int((names["source"] == rows["source"].iloc[0]).sum())
            if _is_of_persons(rows[named], total):
                identity[rows.index] = rows[named].astype("string")
                patterns.append(_pattern(rows, template, IDENTITY, rows[named].nunique()))
    rest = names[identity.isna()]
    for _, rows in rest.groupby(["source", "series"], sort=True):
        # The faces of one photo are one file.
        if rows["example"].nunique() >= MIN_SERIES_FILES and "{n}" in str(rows["series"].iloc[0]):
            patterns.append(_pattern(rows, "series", SERIES, 0))
    patterns.sort(key=lambda one: (one.kind != IDENTITY, -one.files, one.source, one.pattern))
    return Identities(identity, tuple(patterns))


def _pattern(rows: pd.DataFrame, template: str, kind: str, identities: int) -> NamePattern:
    first = rows.iloc[0]
    source, pattern, example = (str(first[name]) for name in ("source", template, "example"))
    files = int(rows["example"].nunique())
    return NamePattern(source, pattern, kind, files, identities, example)


def _parsed(path: str) -> dict[str, str | None]:
    """What one path may tell: a name in the file's or the folder's name, and its series."""
    folders, _, file_name = path.replace("\\", "/").rpartition("/")
    stem = file_name.rpartition(".")[0] or file_name
    bare = _without_copies(stem)
    found = _NAMED.fullmatch(bare)
    name = _person(found["name"]) if found else None
    lead = _DIGITS.sub("{n}", found["lead"]) if found else ""
    folder = folders.rpartition("/")[2]
    folder_name = _person(folder) if _NAMED_FOLDER.fullmatch(folder) else None
    return {
        "file_name": name,
        "file_pattern": f"{lead}{{name}}{found['sep']}{{n}}" if found else None,
        "folder_name": folder_name,
        "folder_pattern": "{name}/",
        "series": _DIGITS.sub("{n}", stem),
        "example": path,
    }


def _without_copies(stem: str) -> str:
    """A stem without what a file manager adds to the name of a copy."""
    while (shorter := _COPY.sub("", stem)) != stem:
        stem = shorter
    return stem


def _person(text: str) -> str | None:
    """A name in lower case, or None where a word of it is no name."""
    words = [word.casefold() for word in _SEPARATORS.split(text) if word]
    if not words or any(word in _WORDS for word in words) or is_known(text):
        return None
    if all(len(word.strip(".")) < 2 for word in words):
        return None
    return " ".join(words)


def _is_of_persons(names: "pd.Series[str]", source_files: int) -> bool:
    """Whether the words that vary in a pattern are persons' names."""
    counts = names.value_counts()
    if counts.max() > MAX_NAME_SHARE * source_files:
        return False
    repeated = counts[counts > 1].index
    two_words = sum(" " in str(name) for name in repeated)
    return two_words >= MIN_TWO_WORD_NAMES or len(repeated) >= MIN_ONE_WORD_NAMES
