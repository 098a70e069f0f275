"""Every run that a study needs, before the first is trained."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from facecover.errors import ConfigError
from facecover.studies.definition import Study, Variant
from facecover.studies.divisions import Part
from facecover.training.config import Experiment
from facecover.training.experiments import load_experiment


@dataclass(frozen=True)
class PlannedRun:
    """One variant with one seed on one part.

    Attributes:
        part: the training and test data.
        variant: the variant.
        experiment: every choice of it, with the seed.
        folder: where the run lies.
    """

    part: Part
    variant: Variant
    experiment: Experiment
    folder: Path

    @property
    def title(self) -> str:
        """What it is called while it runs."""
        return (
            f"{self.part.division}, {self.part.source}: {self.variant.name}, "
            f"seed {self.experiment.seed}"
        )


def experiment_of(variant: Variant, seed: int, overrides: Sequence[str] = ()) -> Experiment:
    """The experiment of a variant, named like it.

    Args:
        variant: the variant.
        seed: of the training.
        overrides: further values to change, each as ``section.key=value``; they win.

    Raises:
        ConfigError: if the experiment, a key or a value is wrong.
    """
    own = [f"{key}={_in_yaml(value)}" for key, value in variant.set.items()]
    fixed = [f"name={variant.name}", f"seed={seed}"]
    try:
        experiment = load_experiment(variant.experiment, [*own, *overrides, *fixed])
        if experiment.training.refit:
            raise ConfigError(
                "training.refit: expected false, since a study measures on images that training "
                "did not see, found true"
            )
        return experiment
    except ConfigError as error:
        raise ConfigError(f"variant {variant.name}: {error}") from error


def input_sizes(study: Study, overrides: Sequence[str] = ()) -> tuple[int, ...]:
    """The sides of the square images that the variants learn from and take.

    Raises:
        ConfigError: if a variant is wrong.
    """
    experiments = [experiment_of(one, study.seeds[0], overrides) for one in study.variants]
    sides = {
        side for one in experiments for side in (one.source_size_px, one.network.input_size_px)
    }
    return tuple(sorted(sides))


def plan_runs(
    study: Study, parts: Sequence[Part], out: Path, overrides: Sequence[str] = ()
) -> list[PlannedRun]:
    """Every run: part by part, and seed by seed, so that the first table is whole early.

    Args:
        study: the study.
        parts: the training and test data, see `divisions.divide`.
        out: the study's folder.
        overrides: values to change in every variant.

    Raises:
        ConfigError: if a variant is wrong.
    """
    return [
        PlannedRun(
            part,
            variant,
            experiment_of(variant, seed, overrides),
            run_folder(out, part.division, part.source, variant.name, seed),
        )
        for part in parts
        for seed in study.seeds
        for variant in study.variants
    ]


def run_folder(out: Path, division: str, source: str, variant: str, seed: int) -> Path:
    """Where a run of a study lies.

    Sources are named by folders and CSV files: whatever such a name holds, its runs stay inside.

    Args:
        out: the study's folder.
        division: how the photos were divided.
        source: the source that the run is about.
        variant: the variant's name.
        seed: of the training.
    """
    return out / "runs" / division / _folder_name(source) / f"{variant}-seed{seed}"


def _folder_name(source: str) -> str:
    """A name that is no path, and no other source's; nearly always the source's own."""
    special = r"[%/\\:*?\"<>|\x00-\x1f]" if source.strip(".") else r"[%.]"
    return re.sub(special, lambda found: f"%{ord(found[0]):02X}", source)


def _in_yaml(value: object) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10_000)
    return text.removesuffix("...\n").strip()
