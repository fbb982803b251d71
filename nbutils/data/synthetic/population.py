"""The synthetic people: CelebA's 40 attributes of each person and each image, with their correlations."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from nbutils.data.attributes import ATTRIBUTES, CELEBA_PREVALENCE, NON_IDENTITY_ATTRIBUTES
from nbutils.data.hashing import normals, uniforms

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Streams of random numbers.
PEOPLE, TRAITS, SHAPES, IMAGES, PROPENSITY = range(5)

#: Share of men with each attribute, our estimate of CelebA's; the women's follows from the prevalence of all.
_AMONG_MEN = {
    "Arched_Eyebrows": 0.07, "Attractive": 0.28, "Bags_Under_Eyes": 0.35, "Bald": 0.053, "Bangs": 0.08,
    "Big_Lips": 0.15, "Big_Nose": 0.42, "Black_Hair": 0.25, "Blond_Hair": 0.02, "Brown_Hair": 0.15,
    "Bushy_Eyebrows": 0.24, "Chubby": 0.11, "Double_Chin": 0.09, "Eyeglasses": 0.12, "Gray_Hair": 0.08,
    "Heavy_Makeup": 0.003, "High_Cheekbones": 0.32, "Mouth_Slightly_Open": 0.43, "Narrow_Eyes": 0.12,
    "Oval_Face": 0.24, "Pale_Skin": 0.03, "Pointy_Nose": 0.2, "Receding_Hairline": 0.13, "Rosy_Cheeks": 0.005,
    "Smiling": 0.4, "Straight_Hair": 0.2, "Wavy_Hair": 0.14, "Wearing_Earrings": 0.02, "Wearing_Hat": 0.07,
    "Wearing_Lipstick": 0.006, "Wearing_Necklace": 0.015, "Wearing_Necktie": 0.17, "Young": 0.63,
    "5_o_Clock_Shadow": 0.26, "Goatee": 0.15, "Mustache": 0.099, "Sideburns": 0.135,
}  # fmt: skip

#: How many times likelier with the old than with the young; 1 where not named.
_WITH_AGE = {"Gray_Hair": 20.0, "Bald": 4.0, "Receding_Hairline": 4.0, "Double_Chin": 4.0, "Bags_Under_Eyes": 2.0,
             "Chubby": 2.5, "Attractive": 0.35, "Eyeglasses": 3.0, "Big_Nose": 1.5}  # fmt: skip

#: Attributes that only the bearded have.
_BEARD = ("5_o_Clock_Shadow", "Goatee", "Mustache", "Sideburns")


def rates(name: str, male: Bools, young: Bools) -> Floats:
    """Probability of an attribute for each person, which over all people gives CelebA's prevalence."""
    prevalence = dict(zip(ATTRIBUTES, CELEBA_PREVALENCE, strict=True))
    men = prevalence["Male"]

    def by_sex(attribute: str) -> tuple[float, float]:
        among_men = _AMONG_MEN[attribute]
        return (prevalence[attribute] - men * among_men) / (1 - men), among_men

    rate = np.where(male, by_sex(name)[1], by_sex(name)[0])
    factor = _WITH_AGE.get(name, 1.0)
    share_young = np.where(male, by_sex("Young")[1], by_sex("Young")[0])
    return rate * np.where(young, 1.0, factor) / (share_young + factor * (1 - share_young))


def person_attributes(seed: int, people: npt.NDArray[np.int64]) -> dict[str, Bools]:
    """The identity-related attributes of each person, by name."""
    u = dict(zip(ATTRIBUTES, uniforms(seed, PEOPLE, people, 40).T, strict=True))
    male = u["Male"] < CELEBA_PREVALENCE[ATTRIBUTES.index("Male")]
    everyone = np.ones_like(male)
    young = u["Young"] < rates("Young", male, everyone)
    has: dict[str, Bools] = {"Male": male, "Young": young}
    for name in ATTRIBUTES:
        if name in _AMONG_MEN and name not in has and name not in NON_IDENTITY_ATTRIBUTES and name not in _BEARD:
            has[name] = u[name] < rates(name, male, young)
    _exclude(has, u["Black_Hair"], ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"), male, young)
    _exclude(has, u["Straight_Hair"], ("Straight_Hair", "Wavy_Hair"), male, young)
    has["Bangs"] &= ~has["Receding_Hairline"] & ~has["Bald"]

    beard_rate = (1 - CELEBA_PREVALENCE[ATTRIBUTES.index("No_Beard")]) / CELEBA_PREVALENCE[ATTRIBUTES.index("Male")]
    bearded = male & (u["No_Beard"] < beard_rate)
    for name in _BEARD:
        has[name] = bearded & (u[name] < _AMONG_MEN[name] / beard_rate)
    has["5_o_Clock_Shadow"] |= bearded & ~np.any([has[name] for name in _BEARD[1:]], axis=0) & (u["Oval_Face"] < 0.3)
    has["No_Beard"] = ~bearded
    return has


def _exclude(has: dict[str, Bools], u: Floats, names: tuple[str, ...], male: Bools, young: Bools) -> None:
    """Draws at most one of `names`, none for the bald, by one uniform number."""
    hairy = ~has["Bald"]
    hair_share = 1 - rates("Bald", male, young)
    low = np.zeros(len(u))
    for name in names:
        high = low + rates(name, male, young) / hair_share
        has[name] = hairy & (low <= u) & (u < high)
        low = high


def image_attributes(
    seed: int, people: npt.NDArray[np.int64], images: npt.NDArray[np.int64], has: dict[str, Bools]
) -> dict[str, Bools]:
    """The attributes of each image that do not follow from its person, by name.

    Half of the variance is the person's own: who wears glasses once does so often.
    """
    names = [name for name in ATTRIBUTES if name in NON_IDENTITY_ATTRIBUTES]
    z = (normals(seed, PROPENSITY, people, len(names)) + normals(seed, IMAGES, images, len(names))) / np.sqrt(2)
    u = dict(zip(names, ndtr(z).T, strict=True))
    blurry = CELEBA_PREVALENCE[ATTRIBUTES.index("Blurry")]
    return {name: u[name] < (blurry if name == "Blurry" else rates(name, has["Male"], has["Young"])) for name in names}
