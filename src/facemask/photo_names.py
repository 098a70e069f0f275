"""By its name alone: what in a folder or an archive may be a photo, and what is clearly not."""

OTHER_SUFFIXES = frozenset(
    ("xml", "csv", "tsv", "txt", "json", "jsonl", "yaml", "yml", "toml", "ini", "cfg", "conf",
     "md", "rst", "html", "htm", "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "rtf", "log",
     "py", "pyc", "pyi", "ipynb", "sh", "bat", "js", "css", "cpp", "java", "exe", "dll", "so",
     "zip", "tar", "gz", "tgz", "bz2", "xz", "7z", "rar", "tmp", "part", "lock", "cache",
     "npy", "npz", "pkl", "pickle", "mat", "h5", "hdf5", "parquet", "tfrecord", "db", "sqlite",
     "pt", "pth", "onnx", "ckpt", "pb", "tflite", "caffemodel", "prototxt", "weights",
     "mp4", "avi", "mov", "mkv", "webm", "mp3", "wav")
)  # fmt: skip
"""A file with one of these extensions is no photo, whatever the case of its letters.

Every other regular file that is not hidden is taken for one, because photos in the wild have odd
extensions or none; what then proves to be no image is listed as unreadable, never lost.
"""

OTHER_NAMES = frozenset(
    ("thumbs.db", "desktop.ini", "icon\r", "readme", "license", "licence", "copying", "notice",
     "authors", "citation", "makefile", "dockerfile", "md5sums", "sha256sums")
)  # fmt: skip
"""Files of these names (lower case) are no photos either."""

OTHER_FOLDERS = frozenset(("__macosx", "__pycache__", "$recycle.bin"))
"""Folders of these names (lower case) are not looked into, nor are hidden ones."""


def may_be_photo(name: str) -> bool:
    """Whether a file of this name is taken for a photo: see `OTHER_SUFFIXES`."""
    lower = name.lower()
    _, dot, suffix = lower.rpartition(".")
    return not lower.startswith(".") and lower not in OTHER_NAMES and not (
        dot and suffix in OTHER_SUFFIXES
    )  # fmt: skip
