"""What happens to files when people edit them in a hurry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

WORD = re.compile(r"[^\s{}\[\],:]+")
STRANGE = [
    "",
    "*",
    "~",
    "[]",
    "{}",
    "-1",
    "0d",
    "1e999",
    "no",
    "x: y",
    "{a: b}",
    "[a, b]",
    "²",
    "'",
    "total",
    "&a",
]


@st.composite
def edited(draw_: Any, files: Mapping[str, str], edit: tuple[str, ...] = ()) -> dict[str, str]:
    """Files after an unlucky edit or two: a line lost, doubled or moved, a word replaced.

    :param edit: the names of those that are edited; () for all of them
    """
    files, names = dict(files), sorted(edit or files)
    words = sorted({word for name in names for word in WORD.findall(files[name])})
    for _ in range(draw_(st.integers(1, 2))):
        name = draw_(st.sampled_from(names))
        lines = files[name].split("\n")
        at = draw_(st.integers(0, len(lines) - 1))
        match draw_(st.sampled_from(["lose", "double", "word", "word", "indent", "cut"])):
            case "lose":
                del lines[at]
            case "double":
                lines.insert(at, lines[at])
            case "indent":
                lines[at] = "  " + lines[at]
            case "cut":
                lines[at] = lines[at][: draw_(st.integers(0, len(lines[at])))]
            case _:
                said = list(WORD.finditer(lines[at]))
                if said:
                    one = draw_(st.sampled_from(said))
                    word = draw_(st.sampled_from(words + STRANGE))
                    lines[at] = lines[at][: one.start()] + word + lines[at][one.end() :]
        files[name] = "\n".join(lines)
    return files
