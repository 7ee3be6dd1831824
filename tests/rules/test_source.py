"""What stands in the folders: files that cannot be read, odd names, and text that stays text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from rulebook import codes, load, mistakes, write

from connector import rules
from connector.errors import BadRules
from connector.rules.nodes import Block, Mistakes, Scalar
from connector.rules.source import read


def found(folder: Path) -> list[tuple[str, str]]:
    with pytest.raises(BadRules) as caught:
        rules.load(folder)
    return [(one.code, one.file) for one in caught.value.diagnostics]


def test_a_folder_without_rules_names_both(tmp_path: Path) -> None:
    assert found(tmp_path) == [("missing-folder", "mappings"), ("missing-folder", "workflows")]
    assert found(tmp_path / "nowhere") == found(tmp_path)


def test_a_folder_without_yaml_files(tmp_path: Path) -> None:
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "fields.txt").write_text("version: 1")
    (tmp_path / "workflows").write_text("a file, not a folder")
    assert found(tmp_path) == [("missing-folder", "mappings"), ("missing-folder", "workflows")]


def test_each_unreadable_file_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {
            "mappings/deal.yaml": b"\xff\xfev\x00e\x00",
            "mappings/signals.yaml": b"version: 1\nsignals: a\0b\n",
            "workflows/name.yaml": "version: 1\nname: [never closed\n",
            "workflows/temperature.yaml": "",
            "workflows/stages.yaml": "version: 1\nstages:\n  - id: contact\n  - id: Lead\n",
        },
    )
    (folder / "mappings" / "folder.yaml").mkdir()
    assert found(folder) == [
        ("unreadable-file", "mappings/deal.yaml"),
        ("unreadable-file", "mappings/folder.yaml"),
        ("unreadable-file", "mappings/signals.yaml"),
        ("broken-yaml", "workflows/name.yaml"),
        ("unusable-name", "workflows/stages.yaml"),
        ("empty-file", "workflows/temperature.yaml"),
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="runs for anybody but root, who may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (write(tmp_path, {}) / "workflows" / "name.yaml").chmod(0)
    assert found(tmp_path) == [("unreadable-file", "workflows/name.yaml")]


def test_a_link_to_nowhere_a_pipe_and_a_huge_file(tmp_path: Path) -> None:
    folder = write(tmp_path, {"mappings/huge.yaml": "#" * 300_001}) / "mappings"
    (folder / "link.yaml").symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "pipe.yaml")
    assert found(tmp_path) == [
        ("unreadable-file", "mappings/huge.yaml"),
        ("unreadable-file", "mappings/link.yaml"),
        ("unreadable-file", "mappings/pipe.yaml"),
    ]


def test_names_that_end_in_yml_count_and_editors_own_do_not(tmp_path: Path) -> None:
    folder = write(tmp_path, {"mappings/.signals.yaml": "broken: [", "mappings/signals.yaml~": "broken: ["})
    (folder / "workflows" / "name.yaml").rename(folder / "workflows" / "Name.YML")
    loaded = rules.load(folder)
    assert loaded.workflow.name == "example"
    assert loaded.files[5:] == (
        "workflows/Name.YML",
        "workflows/scores.yaml",
        "workflows/stages.yaml",
        "workflows/temperature.yaml",
    )


def test_the_hash_follows_names_and_contents_but_not_line_ends(tmp_path: Path) -> None:
    first = rules.load(write(tmp_path / "a", {}))
    windows = write(tmp_path / "b", {})
    for path in windows.glob("*/*.yaml"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    renamed = write(tmp_path / "c", {})
    (renamed / "mappings" / "deal.yaml").rename(renamed / "mappings" / "deals.yaml")
    commented = write(tmp_path / "d", {"workflows/name.yaml": "version: 1\nname: example # a word\n"})

    assert len(first.hash) == 12 and int(first.hash, 16) >= 0
    assert rules.load(windows).hash == first.hash
    assert len({first.hash, rules.load(renamed).hash, rules.load(commented).hash}) == 3


def test_a_byte_order_mark_is_not_part_of_the_first_key(tmp_path: Path) -> None:
    assert rules.load(write(tmp_path, {"workflows/name.yaml": b"\xef\xbb\xbfversion: 1\nname: x\n"}))


def test_scalars_keep_the_text_as_typed(tmp_path: Path) -> None:
    typed = ["no", "on", "NO", "1_000", "1:30", "2026-10-01", "0o17", "1e3", "yes", "-1.50", "y", "Null "]
    body = "".join(f"  - {one}\n" for one in typed)
    source = read(write(tmp_path, {"workflows/name.yaml": f"version: 1\nname:\n{body}"}), Mistakes())
    node = source.workflows.get("name")
    assert [item.text for item in node.items if isinstance(item, Scalar)] == [one.strip() for one in typed]  # type: ignore[union-attr]


def test_every_key_and_value_knows_its_place(tmp_path: Path) -> None:
    source = read(
        write(tmp_path, {"workflows/name.yaml": 'version: 1\nname: {fr: "é, è", en: x}\n'}), Mistakes()
    )
    node = source.workflows.get("name")
    assert isinstance(node, Block)
    spots = [(e.key.place.col, e.key.width, e.value.place.col, e.value.width) for e in node.entries]
    assert (node.place.line, node.place.col, node.width) == (2, 7, 19)
    assert spots == [(8, 2, 12, 6), (20, 2, 24, 1)]


def test_the_same_key_in_two_files_names_both(tmp_path: Path) -> None:
    (told,) = mistakes(write(tmp_path, {"workflows/title.yaml": "version: 1\nname: other\n"}))
    assert (told.code, told.file, told.line) == ("duplicate-key", "workflows/title.yaml", 2)
    assert "workflows/name.yaml:2" in told.what


def test_a_file_that_cannot_be_read_leaves_no_echo_in_the_others(tmp_path: Path) -> None:
    assert codes(
        write(tmp_path, {"mappings/contact.yaml": "contact: [", "mappings/signals.yaml": "a: 'b"})
    ) == [
        "broken-yaml",
        "broken-yaml",
    ]


@pytest.mark.parametrize(
    "body",
    [
        "contcat:\n  fields: {email: email}",
        "contact: {fiels: {email: email}}",
        "contact: [email]",
        "contact:",
    ],
)
def test_a_block_that_cannot_be_read_is_told_once(tmp_path: Path, body: str) -> None:
    assert len(codes(tmp_path, contact=body)) == 1


@pytest.mark.parametrize("depth", [100, 5_000])
@pytest.mark.parametrize("bracket", ["[", "{a: ", "- "])
def test_a_file_of_brackets_is_a_mistake(tmp_path: Path, depth: int, bracket: str) -> None:
    assert codes(write(tmp_path, {"workflows/name.yaml": f"version: 1\nname:\n  {bracket * depth}"})) in (
        ["too-deep"],
        ["broken-yaml"],
    )


@pytest.mark.parametrize("escape", ["\\U00110000", "\\ud800", "\\0", "\\x07"])
def test_characters_that_cannot_be_written_down(tmp_path: Path, escape: str) -> None:
    assert codes(tmp_path, name=f'name: "a{escape}"') == ["broken-yaml"]


def test_line_ends_within_quotes_are_spaces(tmp_path: Path) -> None:
    assert load(tmp_path, name='name: "two\n  lines"').workflow.name == "two lines"
