from .base import Exercise, Mistake
from .by_hand import side_by_side
from .catalogue import exercises, find_exercise
from .checking import Verdict, check, hint, trusted

__all__ = [
    "Exercise",
    "Mistake",
    "Verdict",
    "check",
    "exercises",
    "find_exercise",
    "hint",
    "side_by_side",
    "trusted",
]
