"""Photos of one class, however their folders are arranged."""

from facemask.data.layouts.draft import Draft
from facemask.data.layouts.folders import drop_beside_splits
from facemask.data.layouts.parts import split_parts
from facemask.data.layouts.tree import Folder
from facemask.data.rows import Row
from facemask.errors import ConfigError


def read_single_class(top: Folder, draft: Draft) -> None:
    """Every photo with the one label given by the user.

    The folder that a photo lies in is kept as its column `folder`; what it stands for, perhaps a
    person, is not known.

    Raises:
        ConfigError: if no label is given.
        LabelError: if it is unknown.
    """
    if draft.label is None:
        raise ConfigError(
            f"source {draft.name!r}: read as single-class, expected its class; name it: "
            f"--label {draft.name + '=mask'!r}"
        )
    label = draft.label_of(draft.label, "--label")
    parts = split_parts(top)
    for part in parts:
        for path in part.folder.all_images():
            folder = path.parent.relative_to(part.folder.path).as_posix()
            draft.rows.append(
                Row(path, draft.name, label, split=part.split, extra={"folder": folder})
            )
    if parts[0].split is not None:
        drop_beside_splits(top, draft)
