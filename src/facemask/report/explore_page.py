"""An exploration as one page: key insights first, then the figures that they stand on."""

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from facemask.data.audit.finding import Finding
from facemask.data.explore import Exploration
from facemask.data.exploring.sizes import INPUT_SIZES_PX
from facemask.data.insights import Insight, insights
from facemask.data.rows import Drop
from facemask.data.samples import Samples
from facemask.errors import shown
from facemask.report.audit_page import audit_section
from facemask.report.blocks import Block, Bullets, Figures, Notice, Section
from facemask.report.explore_counts import count_cards, counts_section
from facemask.report.explore_differences import differences_section
from facemask.report.explore_faces import faces_section, mean_faces
from facemask.report.explore_histograms import cloud
from facemask.report.explore_pixels import pixels_section
from facemask.report.explore_samples import samples_section
from facemask.report.explore_sizes import files_section, sizes_section
from facemask.report.page import write_page


def explore_sections(
    exploration: Exploration,
    samples: Samples | None = None,
    drops: Sequence[Drop] = (),
    findings: Sequence[Finding] = (),
    *,
    prefix: str = "explore-",
) -> tuple[Section, ...]:
    """All that there is to show of an exploration, the key insights first.

    Args:
        exploration: what was found.
        samples: photos to show, from `data.samples.read_samples`.
        drops: what was left out on the way, to be listed.
        findings: of an audit of the same photos, if there was one.
        prefix: stands before each anchor, so that the sections fit on a page with others.
    """
    sections = (
        insights_section(exploration, f"{prefix}insights"),
        audit_section(findings, f"{prefix}audit") if findings else None,
        counts_section(exploration, f"{prefix}counts", drops),
        sizes_section(exploration, f"{prefix}sizes"),
        files_section(exploration, f"{prefix}files"),
        pixels_section(exploration, f"{prefix}pixels"),
        differences_section(exploration, f"{prefix}differences"),
        faces_section(exploration, f"{prefix}faces"),
        samples_section(samples, exploration.class_names, f"{prefix}samples") if samples else None,
    )
    return tuple(section for section in sections if section is not None)


def insights_section(exploration: Exploration, anchor: str) -> Section:
    """Key numbers and key insights."""
    found = insights(exploration)
    return Section("Key insights", anchor, (count_cards(exploration), *_insight_blocks(found)))


def explore_highlights(exploration: Exploration, anchor: str = "explore") -> Section:
    """What a report about models tells of its data: insights, sizes and mean faces, in one part.

    Args:
        exploration: what was found.
        anchor: of the section.
    """
    figures = (cloud(exploration.table, INPUT_SIZES_PX), mean_faces(exploration))
    blocks: tuple[Block, ...] = (
        count_cards(exploration),
        *_insight_blocks(insights(exploration)),
        Figures(figures),
    )
    return Section("The data", anchor, blocks)


def write_explore_page(
    path: Path,
    exploration: Exploration,
    samples: Samples | None = None,
    drops: Sequence[Drop] = (),
    findings: Sequence[Finding] = (),
) -> None:
    """Write an exploration as one HTML file.

    Args:
        path: of the file.
        exploration: what was found.
        samples: photos to show.
        drops: what was left out on the way, to be listed.
        findings: of an audit of the same photos, if there was one.

    Raises:
        OutputError: if the place cannot be written.
    """
    names = ", ".join(shown(source.name) for source in exploration.sources)
    subtitle = f"A look into {exploration.counts.n:,} labelled face photos: {names}."
    sections = explore_sections(exploration, samples, drops, findings)
    write_page(path, "The photos", sections, subtitle=subtitle)


def _insight_blocks(found: Sequence[Insight]) -> tuple[Block, ...]:
    """Each warning as a notice of its own, the notes as one list."""
    warnings = [Notice(_said(one), is_warning=True) for one in found if one.is_warning]
    notes = tuple(_said(one) for one in found if not one.is_warning)
    return (*warnings, Bullets(notes)) if notes else tuple(warnings)


def _said(insight: Insight) -> Markup:
    template = Markup('<strong>{}.</strong> {}<span class="cell-note">{}</span>')
    return template.format(insight.title, insight.text, insight.reason)
