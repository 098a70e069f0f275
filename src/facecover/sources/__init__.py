"""Folders and tables of photos, read as rows: path, box, label, split.

Eight layouts are read, and recognised from what a folder holds:

``class-folders``  a folder a class: ``with_mask/``, ``without_mask/``, at any depth below them,
                   also with ``train|val|test/`` below each
``split-folders``  ``train|val|test/`` over class folders
``file-names``     ``<id>_<label>.jpg``, flat or in ``train|val|test/``
``csv``            a table ``path,label[,split,group,source,x0,y0,x1,y1]``,
                   also by the names that exporters give these columns
``voc``            Pascal VOC XML, one row a box
``coco``           JSON of COCO, one row a box
``yolo``           text files of YOLO with ``data.yaml`` or ``classes.txt``, one row a box
``single-class``   any folders of photos that are all of the one class given by the user

What cannot be used is counted and listed as a `Drop`, whose reason is one of the phrases in
`facecover.sources.rows`. What would silently change the data as a whole, such as an unknown
class name, is an error.
"""

SUFFIXES = frozenset(("xml", "csv", "tsv", "txt", "json", "yaml", "yml", "names", "labels"))
"""Of the files beside the photos that a layout may need."""

LAYOUTS = (
    "class-folders", "split-folders", "file-names", "csv", "voc", "coco", "yolo", "single-class",
)  # fmt: skip
