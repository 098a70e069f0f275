"""The cards of the shipped models say what this version would say of the same figures."""

import pytest

from facecover.inference.model_file import (
    PackagedModel,
    packaged_models,
    read_facts,
    read_model_file,
)
from facecover.report.model_card import card_text


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
