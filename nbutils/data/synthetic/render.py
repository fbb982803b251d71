"""Drawing: layers of soft-edged shapes, for a chunk of faces at once.

Only operations that IEEE 754 rounds exactly touch pixels (+, −, ×, ÷, √, comparisons), so that an image is the same
bits in whatever chunk it is drawn.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from nbutils.data.hashing import normals
from nbutils.data.synthetic.appearance import Appearance, Floats


class Canvas:
    """n pictures of (height, width) in normalised coordinates, and a window of rows and columns to draw in."""

    def __init__(self, n: int, height: int, width: int) -> None:
        self.picture = torch.empty(n, 3, height, width)
        self.x = ((torch.arange(width) + 0.5) / width * 2 - 1).view(1, 1, width)
        self.y = ((torch.arange(height) + 0.5) / height * 2 - 1).view(1, height, 1)
        self.soft = 2.2 / height
        self._size = (height, width)

    def window(self, left: float, top: float, right: float, bottom: float) -> tuple[slice, slice, Tensor, Tensor]:
        """Slices of rows and columns of a box, and its coordinates y and x."""
        height, width = self._size
        rows = slice(max(int((top + 1) / 2 * height), 0), min(int((bottom + 1) / 2 * height) + 1, height))
        columns = slice(max(int((left + 1) / 2 * width), 0), min(int((right + 1) / 2 * width) + 1, width))
        return rows, columns, self.y[:, rows], self.x[:, :, columns]

    def cover(self, distance: Tensor, opacity: Tensor | float = 1.0, softness: float = 1.0) -> Tensor:
        """Opacity inside a shape given by its signed distance (negative inside), with a soft edge."""
        return (0.5 - distance / (self.soft * softness)).clamp_(0, 1) * opacity

    def paint(self, alpha: Tensor, colour: Tensor, rows: slice = slice(None), columns: slice = slice(None)) -> None:
        """Lays a colour, (n, 3, 1, 1) or (n, 3, h, w), over a window with opacity (n, h, w)."""
        part = self.picture[:, :, rows, columns]
        part += (colour - part) * alpha.unsqueeze(1)


def ellipse(x: Tensor, y: Tensor, cx: Tensor | float, cy: Tensor | float, rx: Tensor, ry: Tensor) -> Tensor:
    """About the signed distance to an axis-parallel ellipse, in units of y."""
    dx, dy = (x - cx) / rx, (y - cy) / ry
    return ((dx * dx + dy * dy).sqrt_() - 1) * torch.minimum(rx, ry)


def draw(look: Appearance, height: int, width: int) -> tuple[Tensor, Floats]:
    """Draws a chunk.

    Args:
        look: Appearance of n faces.
        height: Of the pictures, in pixels.
        width: Likewise.

    Returns:
        (n, height, width, 3) uint8, and the landmarks (n, 5, 2) in normalised coordinates.
    """
    n = len(look.smile)
    canvas = Canvas(n, height, width)

    def column(values: Floats) -> Tensor:
        return torch.from_numpy(np.asarray(values, np.float32)).view(n, 1, 1)

    def colour(values: Floats) -> Tensor:
        return torch.from_numpy(np.asarray(values, np.float32)).view(n, 3, 1, 1)

    s = {name: column(value) for name, value in look.shape.items()}
    a = {name: column(value) for name, value in look.has.items()}
    skin, hair = colour(look.skin), colour(look.hair)
    yaw, pitch, roll = (np.deg2rad(look.pose[:, i]) for i in range(3))
    turn, nod, lean = column(np.sin(yaw)), column(np.sin(pitch)), column(np.sin(roll))
    shift_x, shift_y, scale = (column(look.shift[:, i]) for i in range(3))
    smile, opening, lid = column(look.smile), column(look.open), column(look.lid)

    def place(x: Tensor | float, y: Tensor | float, depth: float) -> tuple[Tensor, Tensor]:
        """Where a point of the face is seen: nearer points move further as the head turns."""
        px = x + turn * (depth - 0.25 * abs(depth))
        py = y + nod * depth * 0.6
        return (px - lean * py) * scale + shift_x, (py + lean * px) * scale + shift_y

    everywhere = canvas.window(-1, -1, 1, 1)
    rows, columns, y, x = everywhere
    left, right = colour(look.ground[:, 0]), colour(look.ground[:, 1])
    canvas.picture.copy_(left + (right - left) * (0.5 + 0.5 * x + 0.12 * y * y).unsqueeze(1))

    # hair behind the head, neck, clothes
    cx, cy = place(0.0, -0.12, 0.0)
    flat = torch.ones_like(cx)
    hairy = 1 - a["Bald"]
    long = s["hair_long"] * hairy
    wavy = a["Wavy_Hair"]
    # a triangle wave down the edge: waves without a sine on pixels
    phase = (y * 3.5 + s["wave"]) % 1.0
    ripple = ((phase - 0.5).abs() - 0.25) * 0.22 * wavy
    behind = ellipse(x + ripple, y, cx, cy - 0.12, (s["width"] + s["hair_w"]) * scale, 0.80 * scale)
    drop = torch.maximum((x + ripple - cx).abs() - (s["width"] + s["hair_w"] * 0.8) * scale, cy - y - 0.05)
    drop = torch.maximum(drop, y - (cy + 0.25 + 0.85 * long))
    canvas.paint(canvas.cover(behind, hairy), hair * 0.8)
    canvas.paint(canvas.cover(drop, (long > 0.05) * hairy), hair * 0.7)
    rows, columns, y, x = canvas.window(-1, 0.35, 1, 1)
    neck = torch.maximum((x - cx).abs() - s["width"] * 0.58, -(y - 0.4))
    canvas.paint(canvas.cover(neck, softness=1.5), skin * 0.72, rows, columns)
    cloth = colour(look.cloth)
    slope = y - 0.86 + 0.35 * (0.45 - (x - cx).abs()).clamp(-0.4, 0.3)
    canvas.paint(canvas.cover(-slope), cloth, rows, columns)
    tie = torch.maximum((x - cx).abs() - 0.07 - 0.12 * (y - 0.85), -(y - 0.86))
    canvas.paint(canvas.cover(tie, a["Wearing_Necktie"]), cloth.flip(1) * 0.6, rows, columns)
    shirt = torch.maximum((x - cx).abs() - 0.24 + 0.6 * (y - 0.84), -(y - 0.82))
    canvas.paint(canvas.cover(torch.maximum(shirt, -tie), a["Wearing_Necktie"]), cloth * 0 + 0.93, rows, columns)
    lace = (ellipse(x, y, cx, 0.70, s["width"] * 0.6, flat * 0.22)).abs() - 0.015
    lace = torch.maximum(lace, 0.74 - y)
    gold = torch.tensor([0.93, 0.83, 0.42]).view(1, 3, 1, 1)
    canvas.paint(canvas.cover(lace, a["Wearing_Necklace"]), gold, rows, columns)

    # head with ears; the jaw narrows the lower half
    _, _, y, x = everywhere
    ear_y = cy + 0.08
    for side in (-1.0, 1.0):
        ear = ellipse(x, y, cx + side * (s["width"] + 0.01) * scale, ear_y, 0.07 * scale, 0.14 * scale)
        canvas.paint(canvas.cover(ear, 1 - 0.7 * (long > 0.3)), skin * 0.82)
    down = ((y - cy) / (s["chin"] + 0.12)).clamp(0, 1.2)
    half = s["width"] * (1 - (0.42 - 0.22 * s["jaw"].clamp(0, 1.2)) * down * down)
    dx = (x - cx) / (half * scale)
    dy = torch.where(y < cy, (y - cy) / (0.68 * scale), (y - cy) / ((s["chin"] + 0.12) * scale))
    head = ((dx * dx + dy * dy).sqrt() - 1) * 0.6
    inside = canvas.cover(head)
    # light falls on a round head: darker to the rims, brighter towards the light
    towards = column(look.light[:, 0])
    shade = 1.05 - 0.24 * (dx * dx).clamp(0, 1.5) - 0.10 * (dy * dy).clamp(0, 1.5) + towards * dx.clamp(-1, 1)
    shade = shade + column(look.light[:, 1]) * dy.clamp(-1, 1)
    canvas.paint(inside, skin * shade.unsqueeze(1))

    def on_skin(alpha: Tensor, tone: Tensor | float, rows: slice, columns: slice) -> None:
        """Tints the skin: multiplies what is there."""
        part = canvas.picture[:, :, rows, columns]
        part *= 1 + (tone - 1) * alpha.unsqueeze(1)

    def tint(r: float, g: float, b: float) -> Tensor:
        return torch.tensor([r, g, b]).view(1, 3, 1, 1)

    # cheeks, chin and beard
    rows, columns, y, x = canvas.window(-0.9, -0.1, 0.9, 1)
    mouth_x, mouth_y = place(0.0, s["mouth_y"], 0.20)
    for side in (-1.0, 1.0):
        kx, ky = place(side * 0.40, s["cheek"] - 0.10, 0.10)
        spot = (1 - ellipse(x, y, kx, ky, flat * 0.17, flat * 0.12) * 6).clamp(0, 1)
        on_skin(spot * a["Rosy_Cheeks"] * 0.8, tint(1.0, 0.62, 0.62), rows, columns)
        on_skin(spot * a["Heavy_Makeup"] * 0.35, tint(1.0, 0.75, 0.75), rows, columns)
        bone = (1 - ellipse(x, y, kx, ky - 0.06, flat * 0.20, flat * 0.07) * 8).clamp(0, 1)
        on_skin(bone * (0.25 + a["High_Cheekbones"]), tint(1.13, 1.12, 1.1), rows, columns)
        hollow = (1 - ellipse(x, y, kx, ky + 0.13, flat * 0.15, flat * 0.07) * 8).clamp(0, 1)
        on_skin(hollow * a["High_Cheekbones"], tint(0.84, 0.82, 0.82), rows, columns)
        fold = ellipse(x, y, mouth_x + side * 0.06, mouth_y - 0.02, 0.27 + 0.03 * smile, 0.20 + 0 * smile).abs() - 0.012
        fold = torch.maximum(fold, (0.12 - side * (x - mouth_x)))
        fold = torch.maximum(fold, y - mouth_y)
        on_skin(
            canvas.cover(fold, 0.25 + 0.5 * smile.clamp(0, 1) + 0.4 * (1 - a["Young"]), 2),
            tint(0.80, 0.76, 0.75),
            rows,
            columns,
        )
    chin_x, chin_y = place(0.0, s["chin"] - 0.12, 0.10)
    double = (ellipse(x, y, chin_x, chin_y, flat * 0.34, flat * 0.17)).abs() - 0.018
    double = torch.maximum(double, chin_y + 0.08 - y)
    on_skin(canvas.cover(double, a["Double_Chin"], 2), tint(0.62, 0.6, 0.6), rows, columns)
    face = inside[:, rows, columns]
    lower = torch.maximum(mouth_y - 0.10 - y, -(ellipse(x, y, mouth_x, mouth_y - 0.42, s["width"] * 0.72, flat * 0.55)))
    beard = canvas.cover(lower, face, 3)
    stubble = tint(0.74, 0.76, 0.80)
    on_skin(beard * a["5_o_Clock_Shadow"] * 0.9, stubble, rows, columns)
    goatee = ellipse(x, y, chin_x, chin_y + 0.01, flat * 0.21, flat * 0.16)
    canvas.paint(canvas.cover(goatee, a["Goatee"] * 0.85 * face, 2.5), hair * 0.75, rows, columns)

    # sideburns
    rows, columns, y, x = canvas.window(-0.95, -0.4, 0.95, 0.45)
    burns = torch.maximum(0.80 - dx[:, rows, columns].abs(), y - cy - 0.28)
    canvas.paint(canvas.cover(burns, a["Sideburns"] * inside[:, rows, columns] * 0.9, 2), hair * 0.8, rows, columns)

    # eyes and brows
    rows, columns, y, x = canvas.window(-0.8, -0.75, 0.8, 0.2)
    landmarks = []
    for side in (-1.0, 1.0):
        ex, ey = place(side * s["eye_x"], s["eye_y"], 0.13)
        landmarks.append((ex, ey))
        tilt = side * s["eye_tilt"] + lean
        yy = y - tilt * (x - ex)
        eye_w, eye_h = s["eye_w"] * scale, s["eye_h"] * lid * scale
        socket = (1 - ellipse(x, yy, ex, ey - 0.02, eye_w * 1.4, eye_h + 0.06) * 7).clamp(0, 1)
        on_skin(socket * 0.9, tint(0.90, 0.87, 0.87), rows, columns)
        shadow = canvas.cover(
            ellipse(x, yy, ex, ey - 0.05, eye_w * 1.25, eye_h * 0 + 0.075), a["Heavy_Makeup"] * 0.75, 2
        )
        on_skin(shadow, tint(0.55, 0.45, 0.55), rows, columns)
        bag = ellipse(x, yy, ex, ey + 0.02, eye_w * 1.1, eye_h + 0.075).abs() - 0.014
        bag = torch.maximum(bag, ey + 0.045 - yy)
        on_skin(canvas.cover(bag, a["Bags_Under_Eyes"], 2), tint(0.66, 0.62, 0.64), rows, columns)
        white = canvas.cover(ellipse(x, yy, ex, ey, eye_w, eye_h))
        canvas.paint(white, tint(0.93, 0.92, 0.90), rows, columns)
        gaze = ex + turn * 0.02
        iris_r = 0.060 * scale
        canvas.paint(canvas.cover(ellipse(x, yy, gaze, ey, iris_r, iris_r)) * white, colour(look.iris), rows, columns)
        canvas.paint(
            canvas.cover(ellipse(x, yy, gaze, ey, iris_r * 0.5, iris_r * 0.5)) * white,
            tint(0.03, 0.03, 0.03),
            rows,
            columns,
        )
        canvas.paint(
            canvas.cover(ellipse(x, yy, gaze + 0.02, ey - 0.02, iris_r * 0.3, iris_r * 0.3)) * white,
            tint(1, 1, 1),
            rows,
            columns,
        )
        line = ellipse(x, yy, ex, ey, eye_w * 1.05, eye_h * 1.05).abs() - 0.008 - 0.010 * a["Heavy_Makeup"]
        line = torch.maximum(line, yy - ey)
        on_skin(canvas.cover(line, 0.75), tint(0.25, 0.22, 0.22), rows, columns)
        bx, by = place(side * s["eye_x"] * 1.03, s["eye_y"] - s["brow_y"], 0.15)
        along = (x - bx) / (0.19 * scale)
        arch = by + (s["brow_arch"] * along * along) - side * s["brow_tilt"] * 0.1 * along + lean * (x - bx)
        brow = torch.maximum((y - arch).abs() - s["brow_h"] * (1 - 0.35 * side * along), along.abs() - 1)
        canvas.paint(canvas.cover(brow * 1.0, 0.85, 1.6), hair * 0.55, rows, columns)

    # nose
    rows, columns, y, x = canvas.window(-0.6, -0.45, 0.6, 0.6)
    nx, ny = place(0.0, s["nose_y"], 0.32)
    bridge_x, bridge_y = place(0.0, s["eye_y"], 0.16)
    along = ((y - bridge_y) / (ny - bridge_y)).clamp(0, 1)
    middle = bridge_x + (nx - bridge_x) * along
    ridge = torch.maximum((x - middle).abs() - s["nose_w"] * (0.35 + 0.35 * along), torch.maximum(bridge_y - y, y - ny))
    on_skin(canvas.cover(ridge, 0.5, 3), tint(1.10, 1.09, 1.08), rows, columns)
    dark_side = torch.maximum(
        (x - middle + towards.sign() * s["nose_w"] * 0.9).abs() - s["nose_w"] * 0.3, torch.maximum(bridge_y - y, y - ny)
    )
    on_skin(canvas.cover(dark_side, 0.7, 3), tint(0.84, 0.80, 0.79), rows, columns)
    under = ellipse(x, y, nx, ny + 0.035, s["nose_w"] * 1.05, flat * 0.035 - 0.012 * a["Pointy_Nose"])
    on_skin(canvas.cover(under, 0.8, 2), tint(0.70, 0.64, 0.63), rows, columns)
    for side in (-1.0, 1.0):
        hole = ellipse(x, y, nx + side * s["nose_w"] * 0.5, ny + 0.035, s["nose_w"] * 0.25, flat * 0.018)
        on_skin(canvas.cover(hole, 0.8), tint(0.3, 0.22, 0.22), rows, columns)
    tip = (1 - ellipse(x, y, nx, ny - 0.03, s["nose_w"] * 0.5, flat * 0.05) * 9).clamp(0, 1)
    on_skin(tip * 0.8, tint(1.10, 1.09, 1.09), rows, columns)

    # mouth
    rows, columns, y, x = canvas.window(-0.75, 0.1, 0.75, 0.95)
    mouth_w = s["mouth_w"] * (1 + 0.22 * smile) * scale
    along = (x - mouth_x) / mouth_w
    curve = mouth_y + 0.075 * smile * (0.5 - along * along) + lean * (x - mouth_x)
    taper = (1 - along * along).clamp(0, 1)
    gap = 0.065 * opening
    beyond = (along.abs() - 1) * mouth_w
    upper = torch.maximum(curve - s["lip_h"] * taper - gap * taper - y, y - curve)
    lower_lip = torch.maximum(curve - y, y - curve - (s["lip_h"] * 1.25 + gap) * taper)
    lips = colour(look.lips)
    canvas.paint(canvas.cover(torch.maximum(upper, beyond)), lips * 0.82, rows, columns)
    canvas.paint(canvas.cover(torch.maximum(lower_lip, beyond)), lips, rows, columns)
    between = torch.maximum((y - curve).abs() - gap * taper, along.abs() - 0.92)
    canvas.paint(canvas.cover(between, (opening > 0).float()), tint(0.22, 0.06, 0.07), rows, columns)
    teeth = torch.maximum(curve - gap * taper - y, y - curve + 0.012)
    canvas.paint(
        canvas.cover(torch.maximum(teeth, along.abs() - 0.75), (opening > 0).float() * 0.95),
        tint(0.94, 0.93, 0.90),
        rows,
        columns,
    )
    seam = torch.maximum((y - curve).abs() - 0.007, along.abs() - 1.02)
    on_skin(canvas.cover(seam, 0.8 * (opening == 0)), tint(0.42, 0.32, 0.32), rows, columns)
    moustache = torch.maximum((y - curve + s["lip_h"] * taper + gap + 0.035).abs() - 0.036, along.abs() - 1.05)
    canvas.paint(canvas.cover(moustache, 0.9 * a["Mustache"], 1.8), hair * 0.7, rows, columns)

    # hair in front, hat
    rows, columns, y, x = canvas.window(-1, -1, 1, 0.35)
    skull = ellipse(x, y, cx, cy - 0.10, (s["width"] + s["hair_w"] * 0.7) * scale, 0.79 * scale)
    across = (x - cx) / s["width"]
    line_y = (
        s["hairline"] + 0.42 * across * across * across * across + 0.10 * s["hair_part"] * across + shift_y + nod * 0.05
    )
    line_y = line_y + 0.30 * a["Bangs"] * (1 - 0.5 * across * across)
    line_y = line_y - a["Receding_Hairline"] * 0.22 * ((across.abs() - 0.15).clamp(0, 0.4))
    strands = (((x * 11 + (y * 2) * wavy + s["wave"]) % 1.0 - 0.5).abs() - 0.25) * 0.05
    front = torch.maximum(skull, y - line_y + strands)
    gloss = 1 + (((x * 6 + y * 2 * wavy + s["wave"]) % 1.0 - 0.5).abs() - 0.25) * (0.35 + 0.3 * a["Straight_Hair"])
    gloss = gloss + towards * across.clamp(-1, 1)
    canvas.paint(canvas.cover(front, hairy), hair * gloss.unsqueeze(1), rows, columns)
    hat_y = s["hairline"] + 0.12 + shift_y
    hat = torch.maximum(ellipse(x, y, cx, hat_y, (s["width"] + 0.16) * scale, 0.55 * scale), y - hat_y)
    brim = torch.maximum((y - hat_y).abs() - 0.045, (x - cx).abs() - s["width"] - 0.24)
    canvas.paint(canvas.cover(hat, a["Wearing_Hat"]), cloth.flip(1), rows, columns)
    canvas.paint(canvas.cover(brim, a["Wearing_Hat"]), cloth.flip(1) * 0.6, rows, columns)

    # glasses, earrings
    rows, columns, y, x = canvas.window(-0.95, -0.6, 0.95, 0.35)
    (lx, ly), (rx, ry) = landmarks
    frame = torch.minimum(
        (ellipse(x, y, lx, ly, s["eye_w"] * 1.6, s["eye_w"] * 1.3)).abs(),
        (ellipse(x, y, rx, ry, s["eye_w"] * 1.6, s["eye_w"] * 1.3)).abs(),
    )
    bridge = torch.maximum(
        (y - ly - 0.5 * (ry - ly)).abs(), (x - 0.5 * (lx + rx)).abs() - (rx - lx) * 0.5 + s["eye_w"] * 1.6
    )
    arms = torch.maximum((y - ly).abs(), -((x - 0.5 * (lx + rx)).abs() - (rx - lx) * 0.5 - s["eye_w"] * 1.6))
    arms = torch.maximum(arms, dx[:, rows, columns].abs() - 1)
    spectacles = torch.minimum(torch.minimum(frame, bridge), arms) - 0.020
    canvas.paint(canvas.cover(spectacles, a["Eyeglasses"] * 0.92), tint(0.10, 0.09, 0.10), rows, columns)
    for side in (-1.0, 1.0):
        ring = ellipse(
            x,
            y,
            cx + side * (s["width"] + 0.02) * scale,
            ear_y + 0.18,
            flat * 0.045,
            flat * 0.06,
        )
        canvas.paint(canvas.cover(ring, a["Wearing_Earrings"]), gold, rows, columns)

    corner_y = mouth_y - 0.0375 * smile
    corners = [(mouth_x + side * mouth_w, corner_y + lean * side * mouth_w) for side in (-1.0, 1.0)]
    points = torch.stack([torch.cat(mark, dim=2).squeeze(1) for mark in (*landmarks, (nx, ny), *corners)], dim=1)
    return _expose(canvas.picture, look, height, width), points.numpy().astype(np.float64)


def _expose(picture: Tensor, look: Appearance, height: int, width: int) -> Tensor:
    """Light, colour cast, blur and noise of the camera; (n, h, w, 3) uint8."""
    n = len(picture)
    level = torch.from_numpy((look.light[:, 2:3] * look.cast).astype(np.float32)).view(n, 3, 1, 1)
    picture = picture * level
    blur = torch.from_numpy(look.blur.astype(np.float32)).view(n, 1, 1, 1)
    for reach in (1, 2):
        for axis in (2, 3):
            ahead, back = picture.roll(reach, axis), picture.roll(-reach, axis)
            strength = blur if reach == 1 else (blur - 0.3).clamp(0, 1)
            picture = picture + (ahead + back - picture * 2) * (strength / 3)
    side = _NOISE.shape[0] // 2
    rows = torch.from_numpy(look.offset[:, :1] % side) + torch.arange(height)
    columns = torch.from_numpy(look.offset[:, 1:] % side) + torch.arange(width)
    grain = _NOISE[rows[:, :, None] % (2 * side), columns[:, None, :] % (2 * side)].permute(0, 3, 1, 2)
    picture = picture + grain * torch.from_numpy(look.noise.astype(np.float32)).view(n, 1, 1, 1)
    return (picture.clamp_(0, 1) * 255 + 0.5).to(torch.uint8).permute(0, 2, 3, 1)


#: A field of sensor noise, of which each image takes its own part.
_NOISE = torch.from_numpy(normals(0, 99, np.arange(256), 256 * 3).reshape(256, 256, 3).astype(np.float32))
