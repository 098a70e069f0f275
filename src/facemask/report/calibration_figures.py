"""Figures of confidence: before and after the temperature, and what staying silent gains."""

import dataclasses

from matplotlib.figure import Figure as Drawing

from facemask.evaluation.choices_text import risk_sentence
from facemask.evaluation.risk_coverage import RiskCoverage
from facemask.evaluation.temperature_effect import Calibration
from facemask.evaluation.uncertain_band import BandChoice
from facemask.evaluation.wording import percent
from facemask.report.blocks import Figure
from facemask.report.drawing import percent_axes
from facemask.report.evaluation_figures import reliability_figure
from facemask.report.picture import draw
from facemask.report.style import colour


def reliability_before_and_after(calibration: Calibration, tone: str) -> Figure:
    """The reliability diagram without the temperature and with it; one line where it is 1."""
    if calibration.temperature == 1:
        return reliability_figure([calibration.after], [tone])
    before = dataclasses.replace(calibration.before, name="without temperature")
    after = dataclasses.replace(
        calibration.after, name=f"temperature {calibration.temperature:.3g}"
    )
    figure = reliability_figure([before, after], ["muted", tone])
    return dataclasses.replace(figure, title="Reliability before and after the temperature")


def risk_coverage_figure(risk: RiskCoverage, tone: str, band: BandChoice | None = None) -> Figure:
    """The share of wrong answers against the share of images that are answered."""
    point = _point(band)

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        axes.plot(risk.coverage, risk.risk, color=colour(tone))
        if point is not None:
            axes.plot(*point, "o", color=colour(tone))
        highest = max(float(risk.risk[len(risk.risk) // 20 :].max()), 0.01)
        axes.set(xlabel="Images answered, the surest first", ylabel="Wrong among them")
        percent_axes(axes, x=(0, 1), y=(0, highest))

    dot = ""
    if point is not None:
        dot = (
            f" The dot is the uncertain band: {percent(point[0])} answered, {percent(point[1])} of "
            "them wrong."
        )
    words = risk_sentence(risk)
    return Figure(
        draw(plot, f"Risk-coverage curve: wrong answers by the share answered. {words}{dot}"),
        "Risk and coverage",
        f"{words} The lower, the better the model knows which of its answers to doubt.{dot}",
    )


def _point(band: BandChoice | None) -> tuple[float, float] | None:
    """Coverage and risk with a band; None where nothing is answered."""
    if band is None or band.accuracy.value is None or band.unanswered.value is None:
        return None
    return 1 - band.unanswered.value, 1 - band.accuracy.value
