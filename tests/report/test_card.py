"""The cards of the shipped models say what this version would say of the same figures."""

from pathlib import Path

import pytest

from facecover.evaluation.card_facts import are_card_facts
from facecover.inference.model_file import (
    PackagedModel,
    packaged_models,
    read_facts,
    read_model_file,
)
from facecover.report.model_card import card_text, is_card


@pytest.mark.parametrize("model", packaged_models(), ids=lambda model: model.name)
def test_a_shipped_card_follows_from_its_figures(model: PackagedModel) -> None:
    facts = read_facts(model)
    assert facts is not None
    found = card_text(
        read_model_file(model.path).info,
        facts,
        load_as=model.name,
        file_bytes=model.path.stat().st_size,
        license_id="mit",
    )
    assert found == model.card.read_text("utf-8")
    beyond = "label smoothing 0.02, schedule one-cycle; seed 0"
    assert (beyond in found) == model.name.startswith("maskresnet")
    assert ("the figures are those of a twin" in found) == model.name.startswith("maskresnet")


@pytest.mark.parametrize("model", packaged_models(), ids=lambda model: model.name)
def test_a_shipped_card_is_known_and_may_be_replaced(model: PackagedModel) -> None:
    assert is_card(model.card)
    assert are_card_facts(model.facts)


@pytest.mark.parametrize(
    ("content", "is_ours"),
    [
        ("---\ngenerated_by: facecover card\n---\n", True),
        ("---\r\ntags: []\r\ngenerated_by: facecover card\r\n---\r\nand notes of mine", True),
        ("---\ntags:\n- face-mask\n---\ngenerated_by: facecover card\n", False),
        ("---\ngenerated_by: facecover card\n", False),
        ("generated_by: facecover card\n---\n", False),
        ("---\nnote: generated_by: facecover card\n---\n", False),
        ("", False),
    ],
)
def test_a_card_is_known_by_its_head_alone(tmp_path: Path, content: str, is_ours: bool) -> None:
    (tmp_path / "card.md").write_bytes(content.encode())
    assert is_card(tmp_path / "card.md") == is_ours
