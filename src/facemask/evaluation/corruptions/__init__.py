"""What people's photos suffer from: kinds of corruption, each at rising severities."""

from facemask.evaluation.corruptions.kind import BASE_PX, Images, Kind
from facemask.evaluation.corruptions.kinds import KINDS
from facemask.evaluation.corruptions.spoilt import corrupted, kind_by_key

__all__ = ["BASE_PX", "KINDS", "Images", "Kind", "corrupted", "kind_by_key"]
