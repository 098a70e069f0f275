"""From a dataset to a run: torch and Lightning live here and nowhere else."""

import os

# PyTorch's threads wait for each other after every operation. They spin while they wait unless
# told otherwise before PyTorch is loaded, and where another program wants the same cores that
# makes training several times slower. Whoever sets the variable keeps the say.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
