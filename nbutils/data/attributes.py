"""CelebA's 40 attributes, and Luo et al.'s division of them into identity-related and non-related.

Example:
    >>> from nbutils.data import ATTRIBUTES, IDENTITY_RELATED
    >>> len(ATTRIBUTES), int(IDENTITY_RELATED.sum())
    (40, 26)
"""

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

#: (40,) share of CelebA's 202,599 images with each attribute, counted from its list_attr_celeba.txt (Liu et al. 2015).
CELEBA_PREVALENCE: npt.NDArray[np.float64] = np.array([
    0.1111, 0.2670, 0.5125, 0.2046, 0.0224, 0.1516, 0.2408, 0.2345, 0.2393, 0.1480,
    0.0509, 0.2052, 0.1422, 0.0576, 0.0467, 0.0651, 0.0628, 0.0419, 0.3869, 0.4550,
    0.4168, 0.4834, 0.0415, 0.1151, 0.8349, 0.2841, 0.0429, 0.2774, 0.0798, 0.0657,
    0.0565, 0.4821, 0.2084, 0.3196, 0.1889, 0.0485, 0.4724, 0.1230, 0.0727, 0.7736,
])  # fmt: skip
