"""What an exploration's figures mean, in plain sentences; each is said only if they warrant it."""

from dataclasses import replace
from itertools import chain

from facemask.data.explore import Exploration, as_json
from facemask.data.insights.balance import balance_insights
from facemask.data.insights.differences import difference_insights
from facemask.data.insights.files import file_insights
from facemask.data.insights.insight import Insight
from facemask.data.insights.shortcuts import shortcut_insights
from facemask.data.insights.sizes import size_insights
from facemask.errors import shown

__all__ = ["Insight", "exploration_json", "insights"]


def insights(exploration: Exploration) -> tuple[Insight, ...]:
    """The key insights, warnings first; each key occurs once.

    Args:
        exploration: from `explore.explore`.
    """
    found = chain(
        balance_insights(exploration),
        size_insights(exploration),
        shortcut_insights(exploration),
        file_insights(exploration),
        difference_insights(exploration),
    )
    # Names of sources and files stand in the sentences.
    printable = [replace(one, text=shown(one.text)) for one in found]
    return tuple(sorted(printable, key=lambda insight: not insight.is_warning))


def exploration_json(exploration: Exploration) -> dict[str, object]:
    """All numbers and the key insights, ready for `json.dumps`.

    The keys of `Exploration.to_json`, and ``insights``: a list of objects with ``key``, ``level``
    (``note`` or ``warning``), ``title``, ``text``, ``reason`` and ``figures``, warnings first.
    """
    return {**exploration.to_json(), "insights": as_json(insights(exploration))}
