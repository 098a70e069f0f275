"""Labels in file names: ``<id>_<label>.jpg``, flat or in `train`, `val` and `test`."""

from facemask.data.layouts.draft import NO_LABEL_IN_NAME, Draft
from facemask.data.layouts.folders import drop_beside_splits
from facemask.data.layouts.name_labels import label_in_name
from facemask.data.layouts.parts import split_parts
from facemask.data.layouts.tree import Folder
from facemask.data.rows import Row
from facemask.errors import shown


def read_file_names(top: Folder, draft: Draft) -> None:
    """Photos labelled by the end of their names; those without a label are left out."""
    parts = split_parts(top)
    for part in parts:
        for path in part.folder.all_images():
            name = label_in_name(path, draft.mapping)
            if name is None:
                detail = "expected a name such as 12_1.jpg or 12_no_mask.jpg; rename it"
                draft.drop(path, NO_LABEL_IN_NAME, detail)
            else:
                label = draft.label_of(name, shown(path))
                draft.rows.append(Row(path, draft.name, label, split=part.split))
    if parts[0].split is not None:
        drop_beside_splits(top, draft)
