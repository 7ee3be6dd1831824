"""YAML 1.2 with positions, strict. The only file that opens those of mappings/ and workflows/.

All `*.yaml` of a folder are read in name order and merged by top-level key; `version` stands in each.
"""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.diagnostics import Place
from connector.rules.document import BREAKS, read_document, twice
from connector.rules.nodes import Block, Entry, Hole, Mark, Mistakes, Node, Spot, quoted

FOLDERS = ("mappings", "workflows")
LARGEST = 300_000  # bytes of one file


@dataclass(frozen=True, slots=True)
class Section:
    """One folder: its top-level entries. `whole` is False if some file of it could not be read: what
    is not found in it may stand there."""

    folder: str
    entries: tuple[Entry, ...]
    versions: tuple[Node, ...]
    whole: bool
    start: Mark  # the first file's first line

    def get(self, key: str) -> Node | None:
        return next((entry.value for entry in self.entries if entry.key.text == key), None)


@dataclass(frozen=True, slots=True)
class Source:
    mappings: Section
    workflows: Section
    hash: str  # 12 hex digits over names and contents
    files: tuple[str, ...]


def read(folder: Path, mistakes: Mistakes) -> Source:
    """Both folders as nodes; whatever cannot be read is a mistake, and the others are read all the same."""
    digest = hashlib.sha256()
    files: list[str] = []
    sections = [_read_section(folder, name, mistakes, digest, files) for name in FOLDERS]
    return Source(sections[0], sections[1], digest.hexdigest()[:12], tuple(files))


def _read_section(folder: Path, name: str, mistakes: Mistakes, digest: Any, files: list[str]) -> Section:
    entries: list[Entry] = []
    versions: list[Node] = []
    paths = _paths(folder / name, name, mistakes)
    whole = bool(paths)
    for path in paths:
        file = f"{name}/{path.name}".encode("utf-8", "replace").decode()
        files.append(file)
        block = _read_file(path, file, mistakes, digest)
        if block is None:
            whole = False
            continue
        _merge(block, entries, versions, mistakes)
    start = Mark(Place(files[-len(paths)] if paths else name, 1))
    return Section(name, tuple(entries), tuple(versions), whole, start)


def _paths(folder: Path, name: str, mistakes: Mistakes) -> list[Path]:
    """The YAML files of a folder in name order; names that begin with a dot are editors' own."""
    try:
        found = sorted(
            (p for p in folder.iterdir() if p.suffix.lower() in (".yaml", ".yml") and p.name[0] != "."),
            key=lambda p: p.name,
        )
    except OSError as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        _no_files(
            name, f"the folder {quoted(name)} " + ("is not here" if missing else "cannot be read"), mistakes
        )
        return []
    if not found:
        _no_files(name, f"the folder {quoted(name)} holds no .yaml file", mistakes)
    return found


def _no_files(name: str, what: str, mistakes: Mistakes) -> None:
    mistakes.add(
        "missing-folder",
        Mark(Place(name, 1)),
        what,
        why="the rules stand in two folders, mappings/ and workflows/; without both nobody can be judged.",
        fix="type `connector init` to write the default rules here, or name the right folder with "
        "--rules DIR.",
    )


def _merge(block: Block, entries: list[Entry], versions: list[Node], mistakes: Mistakes) -> None:
    """One file's top-level keys beside those of the files before it; `version` stands in each."""
    seen = {entry.key.text: entry.key for entry in entries}
    version = block.get("version")
    if version is not None:
        versions.append(version)
    else:
        mistakes.add(
            "missing-key",
            block,
            "the file does not say its `version`",
            why="it tells how the rest is to be read, so that an old file never changes its meaning.",
            fix="write `version: 1` on a line of its own at the top.",
        )
    for entry in block.entries:
        if entry.key.text == "version":
            continue
        if entry.key.text in seen:
            twice(entry.key, seen[entry.key.text], mistakes)
        else:
            seen[entry.key.text] = entry.key
            entries.append(entry)


# -- one file -----------------------------------------------------------------------------------------


def _read_file(path: Path, file: str, mistakes: Mistakes, digest: Any) -> Block | None:
    raw = _bytes(path, file, mistakes)
    if raw is None:
        return None
    raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    digest.update(file.encode() + b"\0" + str(len(raw)).encode() + b"\0" + raw)
    text = _text(raw, file, mistakes)
    if text is None:
        return None
    mistakes.know(file, tuple(BREAKS.split(text)))
    root = read_document(text, file, mistakes)
    if root is None or isinstance(root, Hole):
        return None
    if isinstance(root, Block):
        return root
    mistakes.add(
        "wrong-shape",
        root,
        "the file does not begin with a key",
        why="a rules file is made of keys, each with what belongs to it below or behind it.",
        fix="begin with `version: 1`, then the keys, each followed by `:`.",
    )
    return None


def _bytes(path: Path, file: str, mistakes: Mistakes) -> bytes | None:
    start = Mark(Place(file, 1))
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            _unreadable(
                start, "this is not a file", "rename or move it: every name in .yaml here is read.", mistakes
            )
            return None
        if about.st_size > LARGEST:
            _too_large(start, mistakes)
            return None
        with path.open("rb") as stream:
            raw = stream.read(LARGEST + 1)
    except OSError as error:
        reason = (error.strerror or "it cannot be opened").lower()
        _unreadable(
            start, f"the file cannot be opened: {reason}", "check its name and who may read it.", mistakes
        )
        return None
    if len(raw) > LARGEST:
        _too_large(start, mistakes)
        return None
    return raw


def _unreadable(at: Spot, what: str, fix: str, mistakes: Mistakes) -> None:
    mistakes.add(
        "unreadable-file",
        at,
        what,
        why="its rules would be missing, and contacts would be judged by half of them.",
        fix=fix,
    )


def _too_large(at: Spot, mistakes: Mistakes) -> None:
    mistakes.add(
        "unreadable-file",
        at,
        f"the file is larger than {LARGEST:,} bytes",
        why="rules are written and read by people; a file of this size is usually something else.",
        fix="split it into several files of this folder, or move it elsewhere.",
    )


def _text(raw: bytes, file: str, mistakes: Mistakes) -> str | None:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        at = Mark(Place(file, before.count("\n") + 1, len(before) - before.rfind("\n")))
        fix = "save the file again as UTF-8 (in Windows' editor: Save as, Encoding: UTF-8)."
        mistakes.know(file, tuple(BREAKS.split(raw.decode("utf-8", "replace"))))
        _unreadable(at, "this character is not written in UTF-8", fix, mistakes)
        return None
    if "\0" in text:
        before = text[: text.index("\0")]
        at = Mark(Place(file, before.count("\n") + 1, len(before) - before.rfind("\n")))
        mistakes.know(file, tuple(BREAKS.split(text)))
        _unreadable(at, "the file is not text", "save it again as plain text in UTF-8.", mistakes)
        return None
    return text
