"""CelebA's 40 attributes, and Luo et al.'s division of them into identity-related and non-related."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: The 40 names in CelebA's own order (columns of list_attr_celeba.txt).
ATTRIBUTES: tuple[str, ...] = (
    "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips",
    "Big_Nose", "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby", "Double_Chin",
    "Eyeglasses", "Goatee", "Gray_Hair", "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open",
    "Mustache", "Narrow_Eyes", "No_Beard", "Oval_Face", "Pale_Skin", "Pointy_Nose", "Receding_Hairline",
    "Rosy_Cheeks", "Sideburns", "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat",
    "Wearing_Lipstick", "Wearing_Necklace", "Wearing_Necktie", "Young",
)  # fmt: skip

#: The 14 identity non-related attributes (NA) of Luo et al. 2016; the other 26 are identity-related (IA).
NON_IDENTITY_ATTRIBUTES: frozenset[str] = frozenset(
    {
        "Attractive", "Blurry", "Eyeglasses", "Heavy_Makeup", "Mouth_Slightly_Open", "Narrow_Eyes", "Pale_Skin",
        "Rosy_Cheeks", "Smiling", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick", "Wearing_Necklace",
        "Wearing_Necktie",
    }
)  # fmt: skip

#: (40,) bool: True where the attribute is identity-related (IA).
IDENTITY_RELATED: npt.NDArray[np.bool_] = np.array([name not in NON_IDENTITY_ATTRIBUTES for name in ATTRIBUTES])
