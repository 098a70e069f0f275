"""Studies as YAML files: found by name or path, checked, and changed from the command line."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from facecover.errors import ConfigError
from facecover.training.experiments import (
    experiment_folder,
    explained,
    find_yaml,
    yaml_names,
)
from facecover.yaml_text import read_yaml_file

Division = Literal["each-random", "each-group", "merged-random", "merged-group", "left-out"]
"""How photos are divided into training, validation and test data, see `divisions`."""

DIVISION_TITLES: dict[str, str] = {
    "each-random": "each source alone, divided at random",
    "each-group": "each source alone, divided by group",
    "merged-random": "all sources together, divided at random",
    "merged-group": "all sources together, divided by group",
    "left-out": "tested on a source that was left out of training",
}
"""What a division is called in a sentence."""


def place_title(division: str, source: str) -> str:
    """A part of a division in a few words: ``rmfd, left out``."""
    how = {"random": "random", "group": "grouped", "out": "left out"}
    name = "all sources" if division.startswith("merged") else source
    return f"{name}, {how[division.rpartition('-')[2]]}"


JudgedOn = Literal["test", "val"]

# A variant names an experiment, and so its name starts with a letter, too.
Name = Annotated[str, Field(pattern=r"^[A-Za-z][\w.-]*$", max_length=80)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Variant(_Section):
    """One of the things that are compared.

    Attributes:
        experiment: ``net1``, ``net2``, or a YAML file.
        set: values of the experiment to change, by dotted key.
        data_share: the share of the training groups that it learns from, for learning curves.
        baseline: whether the others are compared with it; the first variant, if none says so.
    """

    name: Name
    experiment: str
    set: dict[str, Any] = {}
    data_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    baseline: bool = False


class Expectation(_Section):
    """What the claim says of the numbers: so a rule can judge it.

    Attributes:
        better: a variant that is to have more accuracy,
        than: than this one; the baseline, if none is named.
        at_least: or: the accuracy, 0..1, that every variant is to reach.
    """

    better: str | None = None
    than: str | None = None
    at_least: Annotated[float, Field(gt=0, le=1)] | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Expectation":
        if (self.better is None) == (self.at_least is None):
            raise ValueError("expected either 'better' or 'at_least'")
        if self.than is not None and self.better is None:
            raise ValueError("'than' needs 'better'")
        return self


class Study(_Section):
    """A question put to the data.

    Attributes:
        claim: what was claimed, in words; may be empty.
        expects: what the claim says of the numbers; without it nothing is judged.
        seeds: each variant is trained once for each.
        divisions: how the photos are divided; each is a table of its own.
        leave_out: the sources that ``left-out`` leaves out in turn; each one, if none is named.
        judged_on: the split that is measured; ``val`` keeps the test data unseen.
    """

    name: Name
    question: Annotated[str, Field(min_length=1)]
    claim: str = ""
    expects: list[Expectation] = []
    variants: Annotated[list[Variant], Field(min_length=1)]
    seeds: Annotated[list[Seed], Field(min_length=1)] = [0, 1, 2]
    divisions: Annotated[list[Division], Field(min_length=1)]
    leave_out: list[str] = []
    judged_on: JudgedOn = "test"

    @model_validator(mode="after")
    def _fits_together(self) -> "Study":
        names = [variant.name for variant in self.variants]
        for what, values in (
            ("variants", names),
            ("seeds", self.seeds),
            ("divisions", self.divisions),
            ("leave_out", self.leave_out),
        ):
            twice = next((one for place, one in enumerate(values) if one in values[:place]), None)
            if twice is not None:
                raise ValueError(f"{what}: {twice!r} stands twice; expected each once")
        if sum(variant.baseline for variant in self.variants) > 1:
            raise ValueError("variants: expected one baseline at most")
        self._check_expected(names)
        if self.leave_out and "left-out" not in self.divisions:
            raise ValueError(
                f"leave_out: expected 'left-out' among the divisions with it, found "
                f"{', '.join(self.divisions)}"
            )
        if self.judged_on == "val" and "left-out" in self.divisions:
            raise ValueError(
                "judged_on: 'left-out' has its photos of an unseen source in the test data alone; "
                "expected test (--judged-on test)"
            )
        return self

    def _check_expected(self, names: list[str]) -> None:
        for one in self.expects:
            for name in (one.better, one.than):
                if name is not None and name not in names:
                    raise ValueError(
                        f"expects: expected a variant ({', '.join(names)}), found {name!r}"
                    )
            if one.better is not None and one.better == (one.than or self.baseline):
                raise ValueError(f"expects: {one.better!r} cannot be better than itself")

    @property
    def baseline(self) -> str:
        """The name of the variant that the others are compared with."""
        return next((one.name for one in self.variants if one.baseline), self.variants[0].name)

    @property
    def judged_on_images(self) -> str:
        """The images that are measured, in words."""
        return f"{'validation' if self.judged_on == 'val' else self.judged_on} images"

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Which variants are compared, each with what: every one with the baseline, and more."""
        pairs = [(one.name, self.baseline) for one in self.variants if one.name != self.baseline]
        pairs += [
            (one.better, one.than or self.baseline)
            for one in self.expects
            if one.better is not None
        ]
        # A pair is the same the other way round.
        return tuple({frozenset(pair): pair for pair in reversed(pairs)}.values())[::-1]


_Model = TypeVar("_Model", bound=BaseModel)

_PARTS: dict[str, tuple[str, type[BaseModel]]] = {
    "variants": ("variant", Variant),
    "expects": ("expectation", Expectation),
}
"""The keys that hold lists of sections, with what one of them is called."""


def study_folder() -> Path:
    """Where the studies lie that come with the package."""
    return experiment_folder() / "studies"


def study_names() -> tuple[str, ...]:
    """The names of the studies that come with the package."""
    return yaml_names(study_folder())


def read_study(name_or_path: str | Path) -> Study:
    """A study.

    A variant's experiment that is a path is looked for beside the study's file first.

    Args:
        name_or_path: a name of `study_names`, or a YAML file.

    Raises:
        ConfigError: if there is no such study, it is no YAML, or a key or a value is wrong.
    """
    path = find_yaml(name_or_path, study_folder(), "study")
    document = read_yaml_file(path, "a study like splits")
    for key, (noun, model) in _PARTS.items():
        if isinstance(document.get(key), list):
            document[key] = [
                _checked(part, model, f"{path}: {noun} {number}")
                for number, part in enumerate(document[key], 1)
            ]
    study = _checked(document, Study, str(path))
    variants = [_beside(variant, path) for variant in study.variants]
    return study.model_copy(update={"variants": variants})


def changed_study(study: Study, changes: Mapping[str, Any]) -> Study:
    """A study with other values under some of its keys.

    Raises:
        ConfigError: if they do not fit.
    """
    return _checked({**study.model_dump(), **changes}, Study, study.name)


def check_variants(study: Study, names: Sequence[str]) -> None:
    """Refuse a name that is no variant.

    Raises:
        ConfigError: if a study has no variant of that name.
    """
    known = [variant.name for variant in study.variants]
    for name in names:
        if name not in known:
            raise ConfigError(
                f"--only {name}: {study.name} has no such variant; expected one of "
                f"{', '.join(known)}"
            )


def _checked(document: object, model: type[_Model], where: str) -> _Model:
    if not isinstance(document, dict):
        raise ConfigError(f"{where}: expected keys with values, found {document!r}")
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise explained(error, model, lambda _: where) from None


def _beside(variant: Variant, study: Path) -> Variant:
    beside = study.parent / variant.experiment
    if not beside.is_file():
        return variant
    return variant.model_copy(update={"experiment": str(beside)})
