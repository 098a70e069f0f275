"""What is wrong with a dataset before anything is trained on it.

Every check works on the table and the 64 x 64 images of a `Collection` or a `Dataset`; no photo
is read again.

``duplicates``  images that show the same picture, and families that edited copies join
``leakage``     what the held-out splits share with the training split: twins and persons
``conflicts``   pictures with more than one label
``shortcuts``   how well the label follows from what is not the face
``suspects``    labels that trained models contradict
``outliers``    images that are hardly one face
"""

from facemask.data.audit.conflicts import Conflicts, find_conflicts
from facemask.data.audit.corrections import (
    apply_corrections,
    apply_lists,
    read_corrections,
)
from facemask.data.audit.duplicates import DuplicateGroups, find_duplicates
from facemask.data.audit.findings import CHECKS, Audit, Finding, audit, findings_json
from facemask.data.audit.identities import Identities, NamePattern, find_identities
from facemask.data.audit.leakage import (
    Leakage,
    SplitLeak,
    find_leakage,
    leakage_of_random_split,
)
from facemask.data.audit.outliers import find_outliers
from facemask.data.audit.settle import Settled, group_together, settle
from facemask.data.audit.shortcuts import Shortcut, find_shortcuts
from facemask.data.audit.suspects import rank_suspects

__all__ = [
    "CHECKS",
    "Audit",
    "Conflicts",
    "DuplicateGroups",
    "Finding",
    "Identities",
    "Leakage",
    "NamePattern",
    "Settled",
    "Shortcut",
    "SplitLeak",
    "apply_corrections",
    "apply_lists",
    "audit",
    "find_conflicts",
    "find_duplicates",
    "find_identities",
    "find_leakage",
    "find_outliers",
    "find_shortcuts",
    "findings_json",
    "group_together",
    "leakage_of_random_split",
    "rank_suspects",
    "read_corrections",
    "settle",
]
