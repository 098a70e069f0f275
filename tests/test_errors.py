import errno
import inspect
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facecover import errors
from facecover.errors import FacecoverError, is_out_of_memory, shown

ERRORS = [
    error
    for _, error in inspect.getmembers(errors, inspect.isclass)
    if issubclass(error, FacecoverError) and error is not FacecoverError
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_each_error_is_also_the_builtin_that_the_drawing_names(error: type[FacecoverError]) -> None:
    drawn = dict(re.findall(r"── (\w+) \((\w+)\)", errors.__doc__ or ""))
    assert drawn[error.__name__] in {base.__name__ for base in error.__mro__}
    with pytest.raises(FacecoverError, match="what and where"):
        raise error("what and where")


def test_the_drawing_names_every_error() -> None:
    drawn = re.findall(r"── (\w+) ", errors.__doc__ or "")
    assert sorted(drawn) == sorted(error.__name__ for error in ERRORS)


@given(st.text(st.characters(exclude_categories=())))
def test_any_name_is_shown_in_one_printable_line(name: str) -> None:
    text = shown(name)
    assert text.isprintable()
    assert len(text.splitlines()) <= 1
    assert text.encode("utf-8").decode("utf-8") == text
    if name.isprintable():
        assert text == name


def test_bytes_that_are_no_text_and_line_breaks_are_escaped() -> None:
    assert shown("a\nb\udcff é 口罩.jpg") == r"a\nb\udcff é 口罩.jpg"


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (MemoryError(), True),
        (RuntimeError("can't start new thread"), True),
        (ImportError("libx.so: failed to map segment from shared object"), True),
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), True),
        (RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : std::bad_alloc"), True),
        (RuntimeError("dictionary changed size during iteration"), False),
    ],
)
def test_too_little_memory_is_known_in_many_words(error: Exception, *, is_one: bool) -> None:
    assert is_out_of_memory(error) is is_one
