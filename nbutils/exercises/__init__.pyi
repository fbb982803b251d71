from .base import Exercise, Mistake
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
    "trusted",
]
