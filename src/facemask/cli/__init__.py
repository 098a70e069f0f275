"""The command line: parses, calls, prints."""

import sys

from facemask.errors import FacemaskError

TRAIN_MODULES = frozenset(
    {
        "torch", "lightning", "torchmetrics", "onnx", "onnxscript", "sklearn", "scipy",
        "threadpoolctl", "pandas", "pyarrow", "imagehash", "cleanlab", "matplotlib", "jinja2",
        "pydantic", "yaml", "tensorboard", "defusedxml",
    }
)  # fmt: skip
"""What `facemask[train]` installs, as it is imported."""


def main() -> None:
    """Run `facemask`.

    Exit status: 0 done; 1 bad input, said in one line on standard error; 2 wrong usage; 130
    stopped with Ctrl-C. A bug keeps its traceback.
    """
    from facemask.cli.app import app
    from facemask.cli.interrupt import Interrupted

    try:
        app()
    except FacemaskError as error:
        sys.stderr.write(f"facemask: {_one_line(error)}\n")
        sys.exit(1)
    except (Interrupted, KeyboardInterrupt) as stop:
        sys.stderr.write(f"facemask: {stop or 'stopped'}\n")
        sys.exit(130)
    except BrokenPipeError:
        # The reader (`| head`) has gone: nothing more to say, also not at exit.
        sys.stdout = None
        sys.exit(1)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in TRAIN_MODULES:
            raise
        sys.stderr.write(
            f"facemask: this command needs {error.name}, which is not installed; "
            "pip install 'facemask[train]'\n"
        )
        sys.exit(1)


def _one_line(error: FacemaskError) -> str:
    return " ".join(str(error).split())
