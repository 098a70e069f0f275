"""From a dataset to a run: torch and Lightning live here and nowhere else."""
