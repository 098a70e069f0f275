"""How far to trust a model's confidence: the part of a page about calibration and its choices."""

import dataclasses
from collections.abc import Callable

from matplotlib.figure import Figure as Drawing

from facecover.evaluation.formatting import interval, kind_of, signed_points
from facecover.evaluation.performance import MEASURES, Calibration, Estimate
from facecover.evaluation.thresholds import CostAt, ThresholdChoice
from facecover.evaluation.uncertain_band import COVERAGES, BandChoice, RiskCoverage
from facecover.report.blocks import (
    Block,
    Bullets,
    Cell,
    Figure,
    Figures,
    Notice,
    Paragraph,
    Section,
    Table,
    in_terminal,
    on_page,
    table,
)
from facecover.report.metric_figures import metric_cell, reliability_figure
from facecover.report.plotting import colour, draw, percent_axes
from facecover.text import percent


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
        tone: a name of `plotting.COLOURS`.
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
    blocks += [figures, in_terminal(Paragraph(risk_sentence(risk)))]
    blocks += [] if calibration.temperature == 1 else [on_page(_errors(calibration))]
    blocks += [on_page(_risks(risk))]
    findings = (
        *((_threshold_finding(threshold),) if threshold else ()),
        *((_band_finding(band),) if band else ()),
    )
    return Section("Confidence", anchor, tuple(blocks), findings=findings)


SAME_IMAGES = (
    "These are images that it was chosen on, too: that flatters it, and other images will show "
    "less."
)


def calibration_sentence(calibration: Calibration) -> str:
    """What the temperature does to the calibration error of the evaluated images."""
    before, after = calibration.before.metrics, calibration.after.metrics
    fit = calibration.after.model.temperature_fit
    if calibration.temperature == 1:
        why = "none was fitted" if fit is None else fit.note or "the fit gave 1"
        return f"The temperature is 1 ({why}), so probabilities are the network's own."
    kind = kind_of("ece")
    errors = [
        f"{percent(metrics.values['ece'] or 0.0)} (95% interval "
        f"{interval(kind, metrics.ci95['ece'])})"
        for metrics in (before, after)
    ]
    on = "" if fit is None else f", fitted on {fit.images:,} validation images"
    return (
        f"Temperature {calibration.temperature:g}{on}: the calibration error is {errors[0]} "
        f"without it and {errors[1]} with it; log loss {before.values['log_loss']:.4f} and "
        f"{after.values['log_loss']:.4f}."
    )


def risk_sentence(risk: RiskCoverage) -> str:
    """What leaving the least certain answers unsaid gains."""
    everything, most = risk.risk_at(1.0), risk.risk_at(0.9)
    bounds = f" (95% interval {risk.ci95[0]:.4f} to {risk.ci95[1]:.4f})" if risk.ci95 else ""
    return (
        f"{percent(everything)} of all answers are wrong, {percent(most)} of the surest nine in "
        f"ten; area under the risk-coverage curve {risk.aurc:.4f}{bounds}."
    )


def threshold_sentences(choice: ThresholdChoice, images: str) -> tuple[str, ...]:
    """The threshold, what it costs, and whether that is less than at 0.5.

    Args:
        choice: what was chosen.
        images: the evaluated ones in words, such as ``test images``.
    """
    costs = choice.costs
    lead = (
        f"Threshold {_probability(choice.threshold)}, where a missed mask costs {costs.miss:g} and "
        f"a false alarm {costs.alarm:g}; chosen by {choice.method}."
    )
    measured = (
        f"On {choice.measured.n:,} {images} it costs {_cost(choice.measured)}; a threshold of 0.5 "
        f"costs {_cost(choice.at_half)}. {_verdict(choice)}"
    )
    return (
        lead,
        *_chance(choice, _saves),
        measured,
        *((SAME_IMAGES,) if choice.same_images else ()),
    )


def _chance(
    choice: ThresholdChoice | BandChoice, in_words: Callable[[float], str]
) -> tuple[str, ...]:
    """A warning where what a choice gains may be chance; nothing otherwise."""
    gain = choice.gain
    if gain is None or gain.value is None or not choice.may_be_chance:
        return ()
    bounds = "" if gain.ci95 is None else f" (95% interval {in_words(gain.ci95[0])} to "
    bounds += "" if gain.ci95 is None else f"{in_words(gain.ci95[1])})"
    return (
        f"Too few mistakes chose it: on images outside the resamples that choose it anew it gains "
        f"{in_words(gain.value)}{bounds}, an interval that reaches down to nothing. Bring more "
        "validation images before it is used.",
    )


def _saves(cost: float) -> str:
    return f"{cost:.4g} an image".replace("-", "\N{MINUS SIGN}")


def _in_points(share: float) -> str:
    return f"{signed_points(share)} points"


def _cost(cost: CostAt) -> str:
    bounds = f", 95% interval {cost.ci95[0]:.4g} to {cost.ci95[1]:.4g}" if cost.ci95 else ""
    return (
        f"{cost.cost:.4g} an image ({cost.misses:,} missed, {cost.alarms:,} false alarms{bounds})"
    )


def _verdict(choice: ThresholdChoice) -> str:
    if choice.difference_ci95 is None:
        if not choice.difference:
            return "Both cost the same."
        less = "less" if choice.difference < 0 else "more"
        return (
            f"It costs {abs(choice.difference):.4g} {less} an image; these images give no interval."
        )
    low, high = choice.difference_ci95
    if low <= 0 <= high:
        return "The difference may be chance."
    less = "less" if high < 0 else "more"
    low, high = sorted((abs(low), abs(high)))
    return (
        f"It costs {abs(choice.difference):.4g} {less} an image (95% interval {low:.4g} to "
        f"{high:.4g}, paired)."
    )


def band_sentences(choice: BandChoice, images: str) -> tuple[str, ...]:
    """The band, what is right outside it, and how much stays unanswered.

    Args:
        choice: what was chosen.
        images: the evaluated ones in words, such as ``test images``.
    """
    found = [_band_lead(choice), *_chance(choice, _in_points)]
    if choice.accuracy.value is None:
        found.append(f"It leaves every one of {choice.unanswered.n:,} {images} unanswered.")
    else:
        found.append(
            f"On {choice.unanswered.n:,} {images}: {_estimate(choice.accuracy)} of the "
            f"{choice.accuracy.n:,} answered are right; {_estimate(choice.unanswered)} stay "
            f"unanswered. {_target_met(choice)}"
        )
    return (*found, *((SAME_IMAGES,) if choice.same_images else ()))


def _band_lead(choice: BandChoice) -> str:
    target, there = percent(choice.target), choice.chosen_on
    chosen = there.counted_images
    if choice.band is None and choice.is_reached:
        return f"Every image can be answered: {percent(choice.chosen_accuracy)} of {chosen} are."
    share = f"{percent(choice.chosen_coverage)} of {chosen}"
    if not choice.is_reached:
        best = f"{percent(choice.chosen_accuracy)} right on {share} that it answers"
        band = "" if choice.band is None else f", with the band {_band(choice)}"
        return f"Staying silent cannot reach an accuracy of {target}: the best is {best}{band}."
    return (
        f"Uncertain from {_band(choice)}: without these, the least certain, {target} of the "
        f"answers are right on {chosen} ({percent(choice.chosen_accuracy)}, with "
        f"{percent(choice.chosen_coverage)} answered)."
    )


def _band(choice: BandChoice) -> str:
    low, high = choice.band or (0.0, 0.0)
    return f"{_probability(low)} to {_probability(high)}"


def _probability(value: float) -> str:
    """With as many digits as keep it inside 0..1, as whoever answers with it needs it."""
    return next(text for digits in range(4, 18) if 0 < float(text := f"{value:.{digits}g}") < 1)


def _estimate(estimate: Estimate) -> str:
    value = percent(estimate.value or 0.0)
    if estimate.ci95 is None:
        return value
    return f"{value} (95% interval {interval(kind_of('accuracy'), estimate.ci95)})"


def _target_met(choice: BandChoice) -> str:
    target = percent(choice.target)
    if choice.accuracy.ci95 is None:
        return ""
    low, high = choice.accuracy.ci95
    if low >= choice.target:
        return f"The target of {target} is met."
    if high < choice.target:
        chance = ", or chance favoured the choice" if choice.is_reached else ""
        return f"The target of {target} is missed: these images are harder{chance}."
    return f"Whether they meet {target} cannot be told: it lies within the interval."


def _threshold_finding(choice: ThresholdChoice) -> str:
    low, high = choice.difference_ci95 or (0.0, 0.0)
    chance = "; the difference may be chance" if low <= 0 <= high else ""
    chance = "; chosen by too few mistakes" if choice.may_be_chance else chance
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
        f"{'; chosen by too few mistakes' if choice.may_be_chance else ''}"
        f"{_flattered(same_images=choice.same_images)}."
    )


def _flattered(*, same_images: bool) -> str:
    return " (chosen on these images, too)" if same_images else ""


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


def _errors(calibration: Calibration) -> Table:
    both = (calibration.before.metrics, calibration.after.metrics)
    rows = [
        (Cell(kind.title, kind.meaning), *(metric_cell(one, kind.key) for one in both))
        for kind in map(kind_of, MEASURES)
    ]
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
