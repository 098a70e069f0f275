"""What was chosen, and what it does on the evaluated images, in sentences."""

from facemask.evaluation.risk_coverage import RiskCoverage
from facemask.evaluation.shares import Estimate
from facemask.evaluation.temperature_effect import Calibration
from facemask.evaluation.thresholds import CostAt, ThresholdChoice
from facemask.evaluation.uncertain_band import BandChoice
from facemask.evaluation.wording import interval, kind_of, percent

SAME_IMAGES = (
    "These are images that it was chosen on, too: that flatters it, and other images will show "
    "less."
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
    return (lead, measured, *((SAME_IMAGES,) if choice.same_images else ()))


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
    found = [_band_lead(choice)]
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
