"""Calibration as a picture: what was said against what came true, as SVG text that stands alone.

Light or dark as the reader has it; a title and a description say the same in words. Names are escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from core.risk.figures import calibration_error
from core.risk.model import CalibrationBin

_SIZE, _EDGE, _TOP = 300, 48, 36
_WIDE, _HIGH = _SIZE + _EDGE + 16, _SIZE + _EDGE + _TOP
_STYLE = (
    ".ink{fill:#1f2328;font:12px system-ui,sans-serif}.axis{stroke:#59636e;fill:none}"
    ".grid{stroke:#d1d9e0;fill:none}.true{stroke:#59636e;stroke-dasharray:4 4}"
    ".dot{fill:#0550ae;fill-opacity:.8}.page{fill:#fff}"
    "@media (prefers-color-scheme:dark){.ink{fill:#f0f6fc}.axis,.true{stroke:#9198a1}"
    ".grid{stroke:#3d444d}.dot{fill:#79c0ff}.page{fill:#0d1117}}"
)


def calibration_svg(bins: Sequence[CalibrationBin], title: str = "Calibration") -> str:
    """A dot a bin, larger where it holds more changes; on the dashed line as much came true as was said."""
    name = escape("".join(sign if sign.isprintable() else " " for sign in title[:120]))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {_HIGH}" role="img"'
        ' aria-labelledby="title words">',
        f'<title id="title">{name}</title>',
        f'<desc id="words">{escape(in_words(bins))}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{_WIDE}" height="{_HIGH}"/>',
        f'<text class="ink" x="{_EDGE}" y="22">{name}</text>',
        *_axes(),
        *_dots(bins),
    ]
    return "\n".join([*parts, "</svg>\n"])


def in_words(bins: Sequence[CalibrationBin]) -> str:
    """`Said 12 %, came true 10 % (of 130 changes); …`, and the mean gap."""
    if not bins:
        return "No change was held back to measure calibration with."
    told = "; ".join(map(_told, bins))
    gap = _per_cent(round(1000 * calibration_error(bins)))
    return f"{told[0].upper()}{told[1:]}. On average {gap} apart."


def _axes() -> list[str]:
    parts = []
    for tenth in range(0, 11, 2):
        x, y = _x(tenth * 100), _y(tenth * 100)
        parts.append(f'<path class="grid" d="M{x} {_y(0)}V{_y(1000)}M{_x(0)} {y}H{_x(1000)}"/>')
        parts.append(f'<text class="ink" x="{x}" y="{_y(0) + 16}" text-anchor="middle">{tenth * 10}</text>')
        parts.append(f'<text class="ink" x="{_x(0) - 6}" y="{y + 4}" text-anchor="end">{tenth * 10}</text>')
    middle = _y(500)
    return [
        *parts,
        f'<path class="axis" d="M{_x(0)} {_y(1000)}V{_y(0)}H{_x(1000)}"/>',
        f'<path class="true" d="M{_x(0)} {_y(0)}L{_x(1000)} {_y(1000)}"/>',
        f'<text class="ink" x="{_x(500)}" y="{_HIGH - 8}" text-anchor="middle">said, %</text>',
        f'<text class="ink" x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">'
        "came true, %</text>",
    ]


def _dots(bins: Sequence[CalibrationBin]) -> list[str]:
    most = max((one.n for one in bins), default=1) or 1
    return [
        f'<circle class="dot" cx="{_x(one.said)}" cy="{_y(one.came)}" r="{3 + round(5 * one.n / most)}">'
        f"<title>{_told(one)}</title></circle>"
        for one in bins
    ]


def _told(one: CalibrationBin) -> str:
    return f"said {_per_cent(one.said)}, came true {_per_cent(one.came)} (of {one.n} changes)"


def _x(thousandths: int) -> int:
    return _EDGE + _SIZE * thousandths // 1000


def _y(thousandths: int) -> int:
    return _TOP + _SIZE - _SIZE * thousandths // 1000


def _per_cent(thousandths: int) -> str:
    return f"{thousandths / 10:.1f}".rstrip("0").rstrip(".") + " %"
