"""Regions of files, found by name."""

from pathlib import Path

import pytest

from guidebook.regions import RegionError, find_region

FILES = {
    "a.py": """\
# [imports]
import os
# [/imports]

LIMIT = 3
typed: int = 4


@decorated
@twice(
    1,
)
class Shop:
    # [inner]
    name = "x"
    # [/inner]

    @property
    def price(self) -> int:
        \"\"\"Text.\"\"\"

        return 1

    async def wait(self) -> None: ...


def price() -> str:
    return "other"
""",
    "fig.yaml": """\
listen: 127.0.0.1:8000  # a comment

upstreams:
  monolith: http://a
  catalog:
    urls: [a, b]

    timeouts: {idle: 1s}

# about capabilities
capabilities:
  catalog:
    stage: shadow
    routes:
      - GET /a
  # about the other
  payments:
    stage: monolith
""",
    "p.toml": '[a]\nx = 1\n\n[a.b]\ny = 2\n# end\n\n[c]\nz = {d = 1}\n',
    "page.html": "<p>\n<!-- [form] -->\n  <form>\n  </form>\n<!-- [/form] -->\n</p>\n",
    "t.html": "{# [x] #}\nx\n{# [/x] #}\n",
    "style.css": "/* [x] */\nx\n/* [/x] */\n",
    "twice.sh": "# [x]\na\n# [/x]\n# [x]\nb\n# [/x]\n",
    "open.sh": "# [x]\na\n",
    "turned.sh": "# [/x]\na\n# [x]\n",
    "broken.py": "def (:\n",
    "broken.yaml": "a: [\n",
    "broken.toml": "a = \n",
    "plain.txt": "one\n\n  two\n\n\n",
    "empty.txt": "",
}  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (folder / "bytes").write_bytes(b"\xff\xfe")
    (folder / "ignored.py").write_text("x = 1\n")
    return folder


def find(root: Path, target: str) -> list[str]:
    return find_region(root, frozenset([*FILES, "bytes"]), target)


@pytest.mark.parametrize(
    ("target", "lines"),
    [
        ("plain.txt", ["one", "", "  two"]),
        ("empty.txt", [""]),
        ("a.py::LIMIT", ["LIMIT = 3"]),
        ("a.py::typed", ["typed: int = 4"]),
        ("a.py::price", ["def price() -> str:", '    return "other"']),
        ("a.py::Shop.wait", ["async def wait(self) -> None: ..."]),
        ("a.py::Shop.name", ['name = "x"']),
        ("a.py::[imports]", ["import os"]),
        ("a.py::[inner]", ['name = "x"']),
        (
            "a.py::Shop.price",
            ["@property", "def price(self) -> int:", '    """Text."""', "", "    return 1"],
        ),
        ("fig.yaml::listen", ["listen: 127.0.0.1:8000  # a comment"]),
        ("fig.yaml::upstreams.monolith", ["monolith: http://a"]),
        ("fig.yaml::upstreams.catalog", ["catalog:", "  urls: [a, b]", "", "  timeouts: {idle: 1s}"]),
        ("fig.yaml::upstreams.catalog.timeouts", ["timeouts: {idle: 1s}"]),
        ("fig.yaml::capabilities.catalog", ["catalog:", "  stage: shadow", "  routes:", "    - GET /a"]),
        ("fig.yaml::capabilities.payments", ["payments:", "  stage: monolith"]),
        ("p.toml::a", ["[a]", "x = 1"]),
        ("p.toml::a.b", ["[a.b]", "y = 2", "# end"]),
        ("p.toml::c", ["[c]", "z = {d = 1}"]),
        ("page.html::[form]", ["<form>", "</form>"]),
        ("t.html::[x]", ["x"]),
        ("style.css::[x]", ["x"]),
    ],
)  # fmt: skip
def test_a_region_is(root: Path, target: str, lines: list[str]) -> None:
    assert find(root, target) == lines


def test_a_class_is_quoted_with_its_decorators_and_without_marks(root: Path) -> None:
    lines = find(root, "a.py::Shop")
    assert lines[:4] == ["@decorated", "@twice(", "    1,", ")"]
    assert lines[4:6] == ["class Shop:", '    name = "x"']


def test_a_whole_file_is_quoted_without_marks(root: Path) -> None:
    assert find(root, "a.py")[:3] == ["import os", "", "LIMIT = 3"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("none.py", "none.py is no file of the repository"),
        ("ignored.py", "ignored.py is no file of the repository"),
        ("../a.py", "../a.py is no file of the repository"),
        ("/etc/hostname", "/etc/hostname is no file of the repository"),
        ("bytes", "bytes can't be read"),
        ("a.py::", "nothing is named after `::`"),
        ("a.py::Shop.cost", "a.py defines no 'Shop.cost' (there is no 'cost')"),
        ("a.py::None.price", "a.py defines no 'None.price' (there is no 'None')"),
        ("a.py::[none]", "a.py has not one `[none]` with one `[/none]` after it"),
        ("twice.sh::[x]", "twice.sh has not one `[x]` with one `[/x]` after it"),
        ("open.sh::[x]", "open.sh has not one `[x]` with one `[/x]` after it"),
        ("turned.sh::[x]", "turned.sh has not one `[x]` with one `[/x]` after it"),
        ("plain.txt::one", "in plain.txt only `[name]` marks can be quoted"),
        ("broken.py::x", "broken.py is no Python"),
        ("broken.yaml::a", "broken.yaml is no YAML"),
        ("broken.toml::a", "broken.toml is no TOML"),
        ("fig.yaml::capabilities.orders", "fig.yaml has no key 'capabilities.orders' (there is no 'orders')"),
        ("fig.yaml::listen.port", "fig.yaml has no key 'listen.port' (there is no 'port')"),
        ("p.toml::c.z", "p.toml has no line [c.z]"),
        ("p.toml::d", "p.toml has no table [d]"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_told(root: Path, target: str, message: str) -> None:
    with pytest.raises(RegionError) as caught:
        find(root, target)
    assert caught.value.message.startswith(message)
    assert caught.value.mend
