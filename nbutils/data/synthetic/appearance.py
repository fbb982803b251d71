"""The numbers that a face is drawn from: shape and colours of the person, pose, expression and light of the image.

Coordinates are normalised: x from −1 (left) to 1, y from −1 (top) to 1, whatever the size of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nbutils.data.hashing import normals, uniforms
from nbutils.data.synthetic.population import IMAGES, SHAPES, TRAITS

Floats = npt.NDArray[np.float64]

_SKINS = np.array([[0.98, 0.85, 0.76], [0.93, 0.75, 0.62], [0.84, 0.63, 0.47], [0.66, 0.45, 0.32], [0.42, 0.27, 0.19]])
_IRISES = np.array([[0.25, 0.15, 0.08], [0.35, 0.25, 0.12], [0.3, 0.45, 0.6], [0.3, 0.45, 0.3], [0.12, 0.08, 0.06]])


@dataclass
class Appearance:
    """One row an image; shapes (n,) unless said otherwise."""

    has: dict[str, Floats]
    """The 40 attributes as 0 or 1."""
    shape: dict[str, Floats]
    """Geometry of the person."""
    skin: Floats
    """(n, 3) RGB in [0, 1], like the other colours."""
    hair: Floats
    iris: Floats
    lips: Floats
    cloth: Floats
    ground: Floats
    """(n, 2, 3) background at the left and the right."""
    light: Floats
    """(n, 3): horizontal and vertical gradient, and level."""
    cast: Floats
    """(n, 3) colour of the light."""
    pose: Floats
    """(n, 3) yaw, pitch, roll in degrees."""
    shift: Floats
    """(n, 3): displacement in x and y, and scale."""
    smile: Floats
    open: Floats
    lid: Floats
    """Opening of the eyes, 1 being wide."""
    blur: Floats
    noise: Floats
    offset: npt.NDArray[np.int64]
    """(n, 2) position in the field of sensor noise."""


def appearance(
    seed: int,
    people: npt.NDArray[np.int64],
    images: npt.NDArray[np.int64],
    has: dict[str, npt.NDArray[np.bool_]],
    variation: float = 1.0,
) -> Appearance:
    """Draws the appearance of n images of the given people, in keeping with their attributes.

    Pose, direction and colour of the light, position and noise differ between images by `variation` times as much.
    """
    a = {name: value.astype(np.float64) for name, value in has.items()}
    g = np.clip(normals(seed, SHAPES, people, 24), -2.5, 2.5).T
    u = uniforms(seed, TRAITS, people, 12).T
    m = normals(seed, IMAGES + 10, images, 12).T
    v = uniforms(seed, IMAGES + 20, images, 16).T
    male = a["Male"]
    shape = {
        "width": 0.66 + 0.035 * g[0] + 0.05 * a["Chubby"] + 0.02 * male - 0.03 * a["Oval_Face"],
        "chin": 0.80 + 0.035 * g[1] + 0.02 * male + 0.02 * a["Oval_Face"],
        "jaw": 0.45 + 0.12 * g[2] + 0.22 * male + 0.35 * a["Chubby"] - 0.3 * a["Oval_Face"],
        "eye_x": 0.30 + 0.018 * g[3],
        "eye_y": -0.20 + 0.022 * g[4],
        "eye_w": 0.125 + 0.010 * g[5] + 0.008 * a["Attractive"],
        "eye_h": 0.060 + 0.008 * g[6] + 0.006 * a["Attractive"],
        "eye_tilt": 0.16 * g[7],
        "brow_y": 0.165 + 0.016 * g[8] + 0.015 * a["Arched_Eyebrows"],
        "brow_h": 0.026 + 0.004 * g[9] + 0.022 * a["Bushy_Eyebrows"] + 0.006 * male,
        "brow_arch": 0.02 + 0.02 * g[10] + 0.075 * a["Arched_Eyebrows"],
        "nose_y": 0.20 + 0.028 * g[11],
        "nose_w": 0.115 + 0.013 * g[12] + 0.05 * a["Big_Nose"] - 0.03 * a["Pointy_Nose"],
        "mouth_y": 0.47 + 0.022 * g[13],
        "mouth_w": 0.235 + 0.022 * g[14],
        "lip_h": 0.040 + 0.007 * g[15] + 0.030 * a["Big_Lips"],
        "hairline": -0.60 + 0.035 * g[16] - 0.12 * a["Receding_Hairline"],
        "hair_w": 0.10 + 0.025 * g[17] + 0.05 * a["Wavy_Hair"],
        "hair_long": np.where(male > 0, 0.0, (u[0] < 0.85) * (0.4 + 0.6 * u[1])),
        "hair_part": 0.35 * g[18],
        "wave": 2 * np.pi * u[2],
        "brow_tilt": 0.15 * g[19],
        "cheek": 0.30 + 0.03 * g[20],
    }
    tone = np.clip(0.35 + 0.19 * g[21] ** 2 * np.sign(g[21]) + 0.55 * u[3] - 0.25, 0, 1) * (1 - 0.9 * a["Pale_Skin"])
    skin = _between(_SKINS, tone * 4) + 0.02 * g[22][:, None]
    skin = np.where(a["Pale_Skin"][:, None] > 0, 0.55 * skin + 0.45 * np.array([0.99, 0.94, 0.92]), skin)
    dark = np.array([0.20, 0.14, 0.10])
    hair = np.where(u[4][:, None] < 0.5, dark, np.array([0.42, 0.22, 0.12])) + 0.05 * g[23][:, None]
    for name, colour in (
        ("Black_Hair", [0.06, 0.05, 0.06]),
        ("Blond_Hair", [0.82, 0.66, 0.36]),
        ("Brown_Hair", [0.36, 0.22, 0.12]),
        ("Gray_Hair", [0.68, 0.68, 0.70]),
    ):
        hair = np.where(a[name][:, None] > 0, np.array(colour) + 0.02 * g[23][:, None], hair)
    iris = _IRISES[np.minimum((u[5] * 5).astype(int), 4)]
    red = np.array([0.72, 0.12, 0.18])
    natural = 0.7 * skin + 0.3 * np.array([0.65, 0.25, 0.25])
    lips = np.where(a["Wearing_Lipstick"][:, None] > 0, (0.3 + 0.3 * v[8])[:, None] * natural + 0.6 * red, natural)
    yaw = 15 * np.clip(m[0], -2, 2)
    pose = variation * np.stack([yaw, 8 * np.clip(m[1], -2, 2), 4 * np.clip(m[2], -2, 2)], axis=1)
    return Appearance(
        has=a,
        shape=shape,
        skin=np.clip(skin, 0.1, 1),
        hair=np.clip(hair, 0.02, 0.95),
        iris=iris,
        lips=np.clip(lips, 0, 1),
        cloth=_muted(v[:3].T),
        ground=_muted(uniforms(seed, IMAGES + 30, images, 6).reshape(-1, 2, 3)),
        light=np.stack([variation * 0.32 * m[3], variation * 0.15 * m[4], 0.86 + 0.20 * m[5].clip(-2, 2)], axis=1),
        cast=1 + variation * 0.07 * np.stack([m[6], m[7], m[8]], axis=1).clip(-2, 2),
        pose=pose,
        shift=np.array([0, 0, 1]) + variation * np.stack([0.035 * m[9], 0.03 * m[10], 0.04 * m[11]], axis=1),
        smile=np.where(a["Smiling"] > 0, 0.6 + 0.4 * v[3], 0.25 * v[3] - 0.15),
        open=np.where(a["Mouth_Slightly_Open"] > 0, 0.5 + 0.5 * v[4], 0.0),
        lid=np.where(a["Narrow_Eyes"] > 0, 0.3 + 0.15 * v[5], 0.8 + 0.3 * v[5]),
        blur=np.where(a["Blurry"] > 0, 1.0, 0.25 * v[6]),
        noise=variation * (0.010 + 0.025 * v[7]),
        offset=(np.stack([v[9], v[10]], axis=1) * 128).astype(np.int64),
    )


def _between(colours: Floats, at: Floats) -> Floats:
    """(n, 3) colours at fractional positions of a list."""
    low = np.clip(at.astype(int), 0, len(colours) - 2)
    part = (at - low)[:, None]
    between: Floats = colours[low] * (1 - part) + colours[low + 1] * part
    return between


def _muted(colours: Floats) -> Floats:
    """Colours of rooms and clothes: half way to their own grey."""
    muted: Floats = 0.05 + 0.85 * (0.45 * colours + 0.55 * colours.mean(axis=-1, keepdims=True))
    return muted
