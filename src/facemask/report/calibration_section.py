"""The part of a report about confidence: how right it is, and what follows from it."""

from facemask.evaluation.choices_text import (
    SAME_IMAGES,
    band_sentences,
    calibration_sentence,
    threshold_sentences,
)
from facemask.evaluation.risk_coverage import COVERAGES, RiskCoverage
from facemask.evaluation.temperature_effect import MEASURES, Calibration
from facemask.evaluation.thresholds import ThresholdChoice
from facemask.evaluation.uncertain_band import BandChoice
from facemask.evaluation.wording import interval, kind_of, number, percent
from facemask.report.blocks import (
    Block,
    Bullets,
    Cell,
    Figures,
    Notice,
    Paragraph,
    Section,
    Table,
    table,
)
from facemask.report.calibration_figures import reliability_before_and_after, risk_coverage_figure


def calibration_section(
    calibration: Calibration,
    risk: RiskCoverage,
    tone: str,
    *,
    threshold: ThresholdChoice | None = None,
    band: BandChoice | None = None,
    anchor: str = "confidence",
) -> Section:
    """Reliability before and after, the risk-coverage curve, and what was chosen.

    Args:
        calibration: before and after the temperature.
        risk: of the same answers.
        tone: a name of `style.COLOURS`.
        threshold: chosen by costs; None where none were stated.
        band: chosen by a target; None where none was stated.
        anchor: the section's.
    """
    images = calibration.after.images_in_words
    sentences = [
        *(threshold_sentences(threshold, images) if threshold else ()),
        *(band_sentences(band, images) if band else ()),
    ]
    chosen = [choice for choice in (threshold, band) if choice]
    # Said once, below all that was chosen.
    same = any(choice.same_images for choice in chosen)
    sentences = [sentence for sentence in sentences if sentence != SAME_IMAGES]
    figures = Figures(
        (reliability_before_and_after(calibration, tone), risk_coverage_figure(risk, tone, band))
    )
    blocks: list[Block] = [Paragraph(calibration_sentence(calibration))]
    blocks += [Bullets(tuple(sentences))] if sentences else []
    blocks += [Notice(SAME_IMAGES, True)] if same else []
    blocks += [figures]
    blocks += [] if calibration.temperature == 1 else [_errors(calibration)]
    blocks += [_risks(risk)]
    findings = (
        *((_threshold_finding(threshold),) if threshold else ()),
        *((_band_finding(band),) if band else ()),
    )
    return Section("Confidence", anchor, tuple(blocks), findings=findings)


def _threshold_finding(choice: ThresholdChoice) -> str:
    low, high = choice.difference_ci95 or (0.0, 0.0)
    chance = "; the difference may be chance" if low <= 0 <= high else ""
    return (
        f"At the threshold {choice.threshold:.4g} an image costs {choice.measured.cost:.4g}, at "
        f"0.5 {choice.at_half.cost:.4g}{chance}{_flattered(same_images=choice.same_images)}."
    )


def _band_finding(choice: BandChoice) -> str:
    if choice.accuracy.value is None:
        return "Outside the uncertain band no image is left."
    if choice.band is None:
        verdict = "is needed" if choice.is_reached else "helps"
        return f"No uncertain band {verdict}: {percent(choice.accuracy.value)} of all are right."
    return (
        f"Outside the uncertain band {percent(choice.accuracy.value)} of the answers are right; "
        f"{percent(choice.unanswered.value or 0.0)} of the images stay unanswered"
        f"{_flattered(same_images=choice.same_images)}."
    )


def _flattered(*, same_images: bool) -> str:
    return " (chosen on these images, too)" if same_images else ""


def _errors(calibration: Calibration) -> Table:
    rows = []
    for key in MEASURES:
        kind, cells = kind_of(key), []
        for one in (calibration.before, calibration.after):
            value, bounds = one.metrics.values[key], one.metrics.ci95[key]
            cells.append(Cell(number(kind, value), interval(kind, bounds), value))
        rows.append((Cell(kind.title, kind.meaning), *cells))
    caption = (
        f"Before and after the temperature of {calibration.temperature:.4g}. Less is better; below "
        "each value its 95% interval. No answer changes."
    )
    return table(("Metric", "Before", "After"), rows, caption)


def _risks(risk: RiskCoverage) -> Table:
    rows = [
        (
            Cell(percent(coverage), sort=coverage),
            Cell(percent(risk.risk_at(coverage)), sort=risk.risk_at(coverage)),
        )
        for coverage in COVERAGES
    ]
    return table(("Answered", "Wrong"), rows, "The surest images are answered first.")
