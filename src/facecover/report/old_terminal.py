"""A network's layer table for the terminal."""

from collections.abc import Callable, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from facecover.copies.duplicates import KINDS
from facecover.errors import shown
from facecover.evaluation.comparison import Comparison, seed_sentences
from facecover.evaluation.explanation import Explanation
from facecover.evaluation.formatting import (
    UNDEFINED,
    cautions,
    flattery,
    interval,
    joined,
    kind_of,
    number,
)
from facecover.evaluation.intervals import Metrics
from facecover.evaluation.metrics import METRICS
from facecover.evaluation.performance import Calibration, Estimate, Evaluation
from facecover.evaluation.robustness import KindResult, Ratio, Robustness
from facecover.evaluation.slices import Slice, Slices
from facecover.evaluation.thresholds import CostAt, ThresholdChoice
from facecover.evaluation.uncertain_band import BandChoice, RiskCoverage
from facecover.inference.model_info import NetworkFacts
from facecover.look.exploration import Exploration
from facecover.look.finding import Finding
from facecover.look.repeated_images import SAME_PICTURE
from facecover.report.audit_sections import (
    FINE,
    FOUND,
    NO_SPLIT,
    NOT_MEASURED,
    Audited,
    conflict_rows,
    cue_words,
    largest_groups,
    spread,
    state,
    strongest_first,
)
from facecover.text import large, percent, shape


def evaluation_text(evaluation: Evaluation) -> RenderableType:
    """Every metric with its interval, the confusion matrix, and what limits them."""
    metrics = evaluation.metrics
    return Group(
        _metrics_table(evaluation), Text(), _confusion_table(metrics), *_footnotes(evaluation)
    )


def evaluate_texts(
    evaluation: Evaluation,
    slices: Slices,
    calibration: Calibration,
    risk: RiskCoverage,
    threshold: ThresholdChoice | None,
    band: BandChoice | None,
    robustness: Robustness | None,
    explanation: Explanation | None,
) -> list[RenderableType]:
    """All that `evaluate` prints: the metrics, the slices, how far to trust them, and the rest."""
    images = evaluation.images_in_words
    sentences = [
        calibration_sentence(calibration),
        risk_sentence(risk),
        *(threshold_sentences(threshold, images) if threshold else ()),
        *(band_sentences(band, images) if band else ()),
    ]
    trust = Group(Text(), slices_text(slices), Text(), *(Text(line) for line in sentences))
    texts = [evaluation_text(evaluation), trust]
    if robustness is not None:
        texts.append(robustness_text(robustness))
    if explanation is not None:
        texts.append(explanation_text(explanation))
    return texts


def comparison_text(comparison: Comparison) -> RenderableType:
    """A column for each model, and a sentence for every two contenders."""
    table = Table(title=comparison.evaluations[0].counted_images, title_justify="left")
    table.add_column("Metric")
    for evaluation in comparison.evaluations:
        table.add_column(Text(evaluation.name), justify="right")
    for kind in METRICS:
        cells = [
            f"{number(kind, one.metrics.values[kind.key])}\n"
            f"{interval(kind, one.metrics.ci95[kind.key])}"
            for one in comparison.evaluations
        ]
        table.add_row(kind.title, *cells)
    sentences = (*seed_sentences(comparison), *comparison.sentences)
    limits = dict.fromkeys(
        sentence
        for one in comparison.evaluations
        for sentence in (*cautions(one.metrics), *flattery(one, named=True))
    )
    return Group(
        table,
        *(Text(sentence) for sentence in sentences),
        *(Text(limit, style="dim") for limit in limits),
    )


def _metrics_table(evaluation: Evaluation) -> Table:
    metrics = evaluation.metrics
    # Names come from files, and rich would read [brackets] in them as markup.
    title = Text(f"{evaluation.name} on {evaluation.counted_images}")
    table = Table(title=title, title_justify="left")
    table.add_column("Metric")
    table.add_column("Value", justify="right")
    table.add_column("95% interval", justify="right")
    table.add_column("What it says", style="dim")
    for kind in METRICS:
        note = metrics.undefined.get(kind.key, kind.meaning)
        bounds = interval(kind, metrics.ci95[kind.key])
        table.add_row(kind.title, number(kind, metrics.values[kind.key]), bounds, note)
    return table


def _confusion_table(metrics: Metrics) -> Table:
    table = Table(title="Confusion (rows: true class)", title_justify="left")
    table.add_column("")
    for name in metrics.class_names:
        table.add_column(f"answered {name}", justify="right")
    for name, counts in zip(metrics.class_names, metrics.confusion, strict=True):
        table.add_row(name, *(f"{count:,}" for count in counts))
    return table


def _footnotes(evaluation: Evaluation) -> list[Text]:
    metrics = evaluation.metrics
    drawn = "images" if metrics.n_units == metrics.n else f"{metrics.n_units:,} groups of images"
    lines = [
        f"Intervals: {metrics.resamples:,} bootstrap resamples of {drawn}, seed {metrics.seed}.",
        *cautions(metrics),
        *flattery(evaluation),
    ]
    return [Text(line, style="dim") for line in lines]


_WORST_NAMED = 3


def robustness_text(robustness: Robustness) -> RenderableType:
    """Accuracy by kind and severity, the worst kind first, and what limits the figures."""
    clean = robustness.clean
    title = f"Accuracy on {clean.n:,} spoilt images (as they are: {percent(clean.accuracy)})"
    table = Table(title=title, title_justify="left")
    table.add_column("Corruption")
    most = max(len(kind.severities) for kind in robustness.kinds)
    for severity in range(1, most + 1):
        table.add_column(str(severity), justify="right")
    for column in ("Mean", "Answers changed", *(["Error ratio"] if robustness.reference else [])):
        table.add_column(column, justify="right")
    for kind in robustness.kinds:
        cells = [percent(one.accuracy) for one in kind.severities]
        row = [*cells, *[""] * (most - len(cells)), percent(kind.mean_accuracy)]
        row.append(percent(kind.mean_flip_rate))
        if robustness.reference:
            row.append(ratio(kind.ce))
        table.add_row(kind.kind.title, *row)
    lines = (*robustness_sentences(robustness), origin(robustness))
    return Group(table, *(Text(line, style="dim") for line in lines))


def robustness_sentences(robustness: Robustness) -> tuple[str, ...]:
    """The worst kinds, and how the model stands to the reference."""
    clean = robustness.clean
    as_they_are = (
        f"As they are {percent(clean.accuracy)} of the images are answered right "
        f"(95% interval {bounds(clean.accuracy_ci95)}); "
    )
    lower = [kind for kind in robustness.kinds if _worst(kind) < clean.accuracy]
    if not lower:
        return (f"{as_they_are}no corruption lowers that.", _against_reference(robustness))
    named = joined(f"{kind.kind.title} ({percent(_worst(kind))})" for kind in lower[:_WORST_NAMED])
    falls = f"it falls most under {named}, at the worst severity of each."
    return (as_they_are + falls, _against_reference(robustness))


def _worst(kind: KindResult) -> float:
    return min(one.accuracy for one in kind.severities)


def _against_reference(robustness: Robustness) -> str:
    mce, name = robustness.mce, robustness.reference
    if not name:
        return f"There is no mean corruption error: {mce.undefined}."
    if mce.value is None:
        return f"The mean corruption error against {name} is undefined: {mce.undefined}."
    low, high = mce.ci95 or (mce.value, mce.value)
    between = f" (95% interval {low:.2f} to {high:.2f})" if mce.ci95 else ""
    verdict = "it errs less than" if high < 1 else "it errs more than" if low > 1 else "no clear"
    if verdict == "no clear" or mce.ci95 is None:
        verdict = "no clear difference from"
    return f"Mean corruption error against {name}: {mce.value:.2f}{between}: {verdict} {name}."


def origin(robustness: Robustness) -> str:
    """Where the figures come from: the images' size, the seed, the resamples."""
    n, n_units = robustness.clean.n, robustness.n_units
    drawn = "images" if n == n_units else f"{n_units:,} groups of images"
    return (
        f"Images were spoilt at {robustness.size_px} x {robustness.size_px} pixels, seed "
        f"{robustness.seed}, then brought to the model's size. Intervals: "
        f"{robustness.resamples:,} bootstrap resamples of {drawn}."
    )


def ratio(error: Ratio) -> str:
    """A corruption error: ``0.87``, or ``undefined``."""
    return "undefined" if error.value is None else f"{error.value:.2f}"


def bounds(ci95: tuple[float, float]) -> str:
    """The interval of a share: ``96.4 to 98.0``."""
    return interval(kind_of("accuracy"), ci95)


def explanation_text(explanation: Explanation) -> RenderableType:
    """The share of the evidence in the lower half by class, and how it was counted."""
    table = Table(title="Evidence in the lower half of the image", title_justify="left")
    for column in ("Images", "n", "Share", "95% interval"):
        table.add_column(column, justify="left" if column == "Images" else "right")
    for one in explanation.lower_half:
        share = UNDEFINED if one.share is None else percent(one.share)
        interval = bounds(one.ci95) if one.ci95 else "\N{EN DASH}"
        table.add_row(one.answers, f"{one.n:,}", share, interval)
    return Group(table, Text(counting(explanation), style="dim"))


def counting(explanation: Explanation) -> str:
    """How evidence is counted, and what the share does not say."""
    grid = explanation.grid
    none = sum(one.without_evidence for one in explanation.lower_half)
    left_out = f" {none:,} images that no patch made less sure have no share." if none else ""
    return (
        f"Evidence is the fall of the answer's log-odds when a patch of {grid.patch_px} x "
        f"{grid.patch_px} of {grid.side_px} x {grid.side_px} pixels is covered with the image's "
        "mean colour; what makes the model surer does not count. A patch of one colour can look "
        "like a mask itself, so evidence for a mask at the mouth may be missed. The lower "
        "half of the image is the lower half of the face only where the face fills the image: on "
        f"loosely cropped photos it is not.{left_out}"
    )


SHOWN = 8
"""Slices in the terminal; the rest is in the JSON and the report."""

_ACCURACY = kind_of("accuracy")


def slices_text(slices: Slices) -> RenderableType:
    """The worst slices, and how many there are besides."""
    table = Table(title="Slices, the worst first", title_justify="left")
    for column in ("Slice", "n", "Accuracy", "95% interval", "Balanced accuracy"):
        table.add_column(column, justify="left" if column == "Slice" else "right")
    for one in slices.judged[:SHOWN]:
        # Names come from files, and rich would read [brackets] in them as markup.
        table.add_row(Text(one.label), *_cells(one.metrics))
    parts: list[RenderableType] = [table] if slices.judged else []
    return Group(*parts, *(Text(line, style="dim") for line in slice_sentences(slices)))


def slice_sentences(slices: Slices) -> tuple[str, ...]:
    """The worst slice against all images, what is not shown, and what the order means."""
    sentences = [worst_sentence(slices)]
    more = len(slices.judged) - SHOWN
    if more > 0:
        sentences.append(f"{more} more slices are in the report (-o) and in --json.")
    if slices.too_few:
        names = joined(f"{one.label} ({one.metrics.n:,})" for one in slices.too_few)
        sentences.append(f"Too few images to judge, under {slices.min_n}: {names}.")
    if slices.judged:
        sentences.append(RANKING)
    return tuple(sentences)


RANKING = (
    "Ordered by accuracy. Of many slices some look worse than they are by chance: about one "
    "interval in twenty misses the true value."
)


def worst_sentence(slices: Slices) -> str:
    """The worst slice, in numbers."""
    if not slices.judged:
        return f"No slice has the {slices.min_n} images that it takes to judge one."
    worst, whole = slices.judged[0], slices.whole.values["accuracy"] or 0.0
    if (worst.metrics.values["accuracy"] or 0.0) >= whole:
        return "No slice that can be judged is worse than all images together."
    bounds = worst.metrics.ci95["accuracy"]
    apart = bounds is not None and bounds[1] < whole
    verdict = "" if apart else "; that may be chance"
    return (
        f"Worst slice: {worst.label}: {number(_ACCURACY, worst.metrics.values['accuracy'])} of "
        f"{worst.metrics.n:,} images answered right (95% interval {interval(_ACCURACY, bounds)}), "
        f"against {percent(whole)} of all {slices.whole.n:,}{verdict}."
    )


def reasons(one: Slice) -> str:
    """Why a slice cannot be judged, or some of its metrics have no value; may be empty."""
    found = [f"too few to judge: {one.too_few}"] if one.too_few else []
    found += dict.fromkeys(one.metrics.undefined.values())
    return "; ".join(found)


def _cells(metrics: Metrics) -> tuple[str, str, str, str]:
    balanced = kind_of("balanced_accuracy")
    note = metrics.undefined.get("balanced_accuracy")
    return (
        f"{metrics.n:,}",
        number(_ACCURACY, metrics.values["accuracy"]),
        interval(_ACCURACY, metrics.ci95["accuracy"]),
        number(balanced, metrics.values["balanced_accuracy"]) + (f": {note}" if note else ""),
    )


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


_EXAMPLES = 3
_PATTERNS = 5
_NAME_LENGTH = 60

_MARKS = {
    FOUND: ("!", "bold yellow"),
    FINE: ("\N{CHECK MARK}", "bold green"),
    NO_SPLIT: ("-", "bold"),
    NOT_MEASURED: ("?", "dim"),
}


def audit_text(audited: Audited) -> RenderableType:
    """Every finding with its key numbers."""
    blocks: list[RenderableType] = []
    for finding in audited.found.findings:
        details = _DETAILS[finding.key](audited, finding) if finding.is_measured else []
        blocks += [
            *_head(finding),
            *(Padding(one, (0, 0, 0, 4), expand=False) for one in details),
            Text(),
        ]
    return Group(*blocks[:-1])


def findings_text(findings: Sequence[Finding]) -> RenderableType:
    """Every finding as a sentence."""
    lines = [line for one in findings for line in _head(one)]
    return Group(Text("Audit", style="italic"), *lines)


def _head(finding: Finding) -> list[RenderableType]:
    mark, style = _MARKS[state(finding)]
    title = Text.assemble((mark, style), " ", (finding.title, "bold"))
    return [title, Padding(Text(shown(finding.sentence)), (0, 0, 0, 2), expand=False)]


def _grid(columns: Sequence[str], numeric: int) -> Table:
    """A table without lines whose last so many columns are numbers."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for place, name in enumerate(columns):
        is_number = place >= len(columns) - numeric
        table.add_column(name, justify="right" if is_number else "left", no_wrap=is_number)
    return table


def _duplicates(audited: Audited, finding: Finding) -> list[RenderableType]:
    pairs = finding.facts["pairs"]
    if not any(pairs.values()):
        return []
    told = ", ".join(f"{pairs[kind]:,} {kind}" for kind in KINDS if pairs[kind])
    table = _grid(("Largest groups", "Images"), 1)
    for _, rows in largest_groups(audited, _EXAMPLES):
        table.add_row(Text(_short(audited.name(rows[0]))), f"{len(rows):,}")
    lines: list[RenderableType] = [Text(f"Pairs: {told}.")]
    return [*lines, table] if table.row_count else lines


def _leakage(_: Audited, finding: Finding) -> list[RenderableType]:
    columns = ("Split", "Images", "With a twin", "Of them edits", "Persons", "In training too")
    table = _grid(columns, 5)
    for leak in finding.facts["splits"]:
        persons = leak["identities"]
        table.add_row(
            leak["split"],
            f"{leak['images']:,}",
            f"{leak['twin_share']:.1%}",
            f"{leak['edited_copies_in_training']:,}",
            f"{persons:,}" if persons else "-",
            f"{leak['identities_in_training']:,}" if persons else "-",
        )
    patterns = finding.facts["patterns"]
    if not patterns:
        return [table]
    names = _grid(("Pattern in file names", "Tells", "Source", "Files", "Persons"), 2)
    for one in patterns[:_PATTERNS]:
        persons = f"{one['identities']:,}" if one["identities"] else "-"
        tells = "a person" if one["identities"] else "a count"
        cells = (Text(_short(one["pattern"])), tells, Text(shown(one["source"])))
        names.add_row(*cells, f"{one['files']:,}", persons)
    more = len(patterns) - _PATTERNS
    return [table, names, *([Text(f"and {more:,} more patterns", style="dim")] if more > 0 else [])]


def _conflicts(audited: Audited, _: Finding) -> list[RenderableType]:
    lines: list[RenderableType] = []
    for place, rows in conflict_rows(audited, SAME_PICTURE, _EXAMPLES):
        for row in spread(audited, rows, 2):
            lines.append(Text(f"{place}: {audited.label(row)}: {_short(audited.name(row))}"))
    return lines


def _shortcuts(audited: Audited, _: Finding) -> list[RenderableType]:
    table = _grid(("Cue", "Accuracy", "95% interval", "Mean over classes", "Larger class"), 4)
    for one in strongest_first(audited.found.shortcuts):
        table.add_row(
            Text(f"{'!' if one.is_warning else ' '} {cue_words(one.cue)}"),
            f"{one.accuracy:.1%}",
            f"{one.accuracy_low:.1%} to {one.accuracy_high:.1%}",
            f"{one.balanced_accuracy:.1%}",
            f"{one.majority_share:.1%}",
        )
    return [table]


def _suspects(audited: Audited, _: Finding) -> list[RenderableType]:
    suspects = audited.found.suspects
    if suspects is None or suspects.empty:
        return []
    table = _grid(("Worst first", "Label", "Suggested", "Probability"), 1)
    wanted = suspects[["row", "label", "suggested", "probability"]].head(_EXAMPLES)
    for row, label, suggested, probability in wanted.itertuples(index=False):
        table.add_row(Text(_short(audited.name(row))), label, suggested, f"{probability:.0%}")
    return [table]


def _outliers(audited: Audited, _: Finding) -> list[RenderableType]:
    outliers = audited.found.outliers
    if outliers.empty:
        return []
    table = _grid(("Worst first", "Why"), 0)
    for row, reasons in outliers[["row", "reasons"]].head(_EXAMPLES).itertuples(index=False):
        table.add_row(Text(_short(audited.name(row))), reasons)
    return [table]


def _short(name: str) -> str:
    """A name in one line, its start left out if it is long: the end tells files apart."""
    name = shown(name)
    return name if len(name) <= _NAME_LENGTH else f"...{name[3 - _NAME_LENGTH :]}"


_DETAILS: dict[str, Callable[[Audited, Finding], list[RenderableType]]] = {
    "duplicates": _duplicates,
    "leakage": _leakage,
    "conflicts": _conflicts,
    "shortcuts": _shortcuts,
    "suspects": _suspects,
    "outliers": _outliers,
}


def explore_text(exploration: Exploration) -> RenderableType:
    """Counts by source and split, sizes, and the key insights."""
    return Group(_counts(exploration), Text(), _sizes(exploration), Text(), _insights(exploration))


def _counts(exploration: Exploration) -> Table:
    counts = exploration.counts
    table = Table(title=f"{counts.n:,} photos", title_justify="left", show_footer=True)
    table.add_column("Source", footer="All")
    table.add_column("Split")
    for name, n in counts.by_class.items():
        table.add_column(name, justify="right", footer=f"{n:,}")
    table.add_column("All", justify="right", footer=f"{counts.n:,}")
    for source in counts.by_source:
        for split in counts.by_split:
            numbers = [
                sum(
                    cell.n
                    for cell in counts.cells
                    if (cell.source, cell.split, cell.class_name) == (source, split, name)
                )
                for name in counts.by_class
            ]
            if any(numbers):
                cells = (f"{number:,}" for number in (*numbers, sum(numbers)))
                # Names come from files, and rich would read [brackets] in them as markup.
                table.add_row(Text(shown(source)), split, *cells)
    return table


def _sizes(exploration: Exploration) -> Table:
    sizes = exploration.sizes
    table = Table(title="Input sizes", title_justify="left")
    table.add_column("Input")
    for name in ("A side under it", "Both over it", "Pixels kept (median)"):
        table.add_column(name, justify="right")
    for fit in sizes.inputs:
        shares = (fit.under, fit.over, fit.median_pixels_kept)
        table.add_row(f"{fit.size_px} x {fit.size_px}", *(percent(share) for share in shares))
    return table


def _insights(exploration: Exploration) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    for insight in exploration.findings:
        mark = Text("!", style="yellow") if insight.is_warning else Text("-")
        grid.add_row(mark, Text.assemble((insight.title, "bold"), ". ", insight.sentence))
        grid.add_row("", Text(insight.reason, style="dim"))
    return Group(Text("Key insights", style="italic"), grid)


def network_text(network: NetworkFacts) -> RenderableType:
    """Layers, parameters, multiply-accumulates, receptive field, and the share of the budget."""
    table = Table(title=f"{network.name}, input {shape((network.input_size_px,) * 2)} RGB")
    table.add_column("layer")
    table.add_column("kind")
    for heading in ("output", "parameters", "multiply-accumulates", "sees (px)"):
        table.add_column(heading, justify="right")
    for layer in network.layers:
        table.add_row(
            layer.name,
            layer.kind,
            shape(layer.output_shape),
            f"{layer.parameters:,}" if layer.parameters else "",
            f"{layer.macs:,}" if layer.macs else "",
            str(layer.receptive_field_px),
        )
    total = (
        f"{network.parameters:,} parameters, {network.share_of_budget:.1%} of the budget of "
        f"{network.budget:,}; {large(network.macs)} multiply-accumulates an image"
    )
    return Group(table, Text(total))
