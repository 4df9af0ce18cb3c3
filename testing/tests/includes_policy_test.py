"""The table of doc/architecture.md says who may include whom; every include of the tree is held to it."""
import ast
import os
import pathlib
import re
import sys

import include_table
import pytest
import standard_names

PROJECT = pathlib.Path(os.environ["PROJECT"])
TABLE = include_table.read_table(PROJECT / "doc/architecture.md")


def test_every_include_is_in_the_table():
    wrong = include_table.violations(PROJECT, TABLE)
    assert not wrong, "\n".join(wrong)


def test_a_file_names_the_headers_of_the_standard_library_that_it_needs():
    lacking = standard_names.lacking(include_table.Tree(PROJECT, TABLE))
    assert not lacking, "\n".join(lacking)


def test_a_header_that_another_brings_is_named_and_one_that_none_brings_is_lacking(tmp_path):
    folder = tmp_path / "llama-a/src"
    folder.mkdir(parents=True)
    (folder / "row.h").write_text("#include <vector>\n")
    (folder / "row.cc").write_text('#include "row.h"\nstd::vector<int> rows;  // std::map\nstd::string name;\n')
    assert standard_names.lacking(include_table.Tree(tmp_path, ["llama-a"])) == [
        "llama-a/src/row.cc: <string> for std::string"]


def test_every_entry_of_the_table_is_needed():
    assert include_table.unused(PROJECT, TABLE) == []


def test_a_type_inside_of_a_library_has_a_name_that_no_other_has():
    """All libraries share the namespace llama::internal: two types of one name would be one type to the linker."""
    homes = {}
    for room in TABLE:
        for path in sorted((PROJECT / room).glob("src/**/*.h")) if room.startswith("llama-") else []:
            for name in re.findall(r"^(?:class|struct) (\w+)[^;]*\{", path.read_text(), re.M):
                homes.setdefault(name, set()).add(room)
    assert {name: sorted(rooms) for name, rooms in homes.items() if len(rooms) > 1} == {}


def test_every_folder_with_sources_has_a_row():
    assert include_table.without_row(PROJECT, TABLE) == []


def test_the_picture_shows_what_the_includes_say():
    wrong = include_table.misdrawn(PROJECT, TABLE, include_table.read_picture(PROJECT / "doc/architecture.md"))
    assert not wrong, "\n".join(wrong)


def test_a_package_has_one_door_but_for_those_that_the_page_names():
    assert include_table.doors(TABLE) == include_table.read_doors(PROJECT / "doc/architecture.md")


@pytest.mark.parametrize("package,file", [("CLI11", "llama-cli/src/command_line.cc"),
                                          ("minja", "llama-agent/src/template/minja_engine.h")])
def test_what_takes_long_to_compile_has_one_file(package, file):
    tree = include_table.Tree(PROJECT, TABLE)
    assert {str(use.file) for use in tree.uses() if use.what == package} == {file}


# Headers that have all of nlohmann-json, and what they hold of it. To others the names are enough: json_fwd.hpp.
HOLDS_JSON = {
    "llama-agent/src/schema/schema_node.h": "the values of const and enum",
    "llama-mcp/src/protocol/json_rpc.h": "the parts of a message",
    "llama-mcp/src/protocol/mcp_session.h": "what is put into every request, and the data of a refusal",
    "llama-mcp/src/protocol/negotiation.h": "what the server can",
    "llama-mcp/tests/http_server_fixture.h": "what is sent, made and read here",
    "llama-mcp/tests/scripted_channel.h": "the messages that it has seen",
    "llama-vectors/src/map/page_block.h": "a header that grows",
}


def test_a_header_has_all_of_json_only_where_it_holds_a_value():
    tree = include_table.Tree(PROJECT, TABLE)
    users = {str(use.file) for use in tree.uses() if use.include == "nlohmann/json.hpp" and use.file.suffix == ".h"}
    assert sorted(users - set(HOLDS_JSON)) == [], "json_fwd.hpp is enough, or a line of HOLDS_JSON says why it is not"
    assert sorted(set(HOLDS_JSON) - users) == [], "no longer needed in HOLDS_JSON"


def test_cmake_names_no_other_rooms_inside_than_the_table():
    wrong = []
    for room, entries in TABLE.items():
        for path in (PROJECT / room).rglob("CMakeLists.txt"):
            named = re.findall(r"PROJECT_SOURCE_DIR\}/([\w-]+)/src\b", path.read_text())
            wrong += [f"{room}: {other}/src" for other in named if other != room and f"{other}/src" not in entries]
    assert not wrong, "\n".join(wrong)


# Python programs stand alone: a module may import those of its own folders, and packages that script/ sets up.
PYTHON_FOLDERS = {"bench": ["bench", "testing"], "packaging": ["packaging"], "python": ["python/llama_cli"],
                  "testing": ["testing", "testing/tests", "bench"]}
PYTHON_PACKAGES = {"anyio", "boto3", "gguf", "llama_cli", "mcp", "moto", "numpy", "onnxruntime", "psycopg",
                   "pyarrow", "pydantic", "pymysql", "pytest", "selenium", "sentencepiece", "sklearn", "tokenizers",
                   "torch", "transformers", "umap"}


@pytest.mark.parametrize("room", PYTHON_FOLDERS)
def test_python_imports_only_its_neighbours_and_known_packages(room):
    ours = {path.stem for folder in PYTHON_FOLDERS[room] for path in (PROJECT / folder).glob("*.py")}
    wrong = []
    for path in sorted((PROJECT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else \
                [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            known = ours | PYTHON_PACKAGES | sys.stdlib_module_names
            wrong += [f"{path.relative_to(PROJECT)}: {name}" for name in names if name.split(".")[0] not in known]
    assert not wrong, "\n".join(wrong)


# The rules themselves, in a tree with one fault each.

ROWS = """| folder | what it is | may include |
|---|---|---|
| `llama-low` | low | OpenSSL |
| `llama-high` | high | `llama-low`, nlohmann-json |
| `testing` | tests | all public headers, `llama-low/src` |
"""


@pytest.fixture
def small_tree(tmp_path):
    def write(name, *lines):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(f"#include {line}" for line in lines) + "\n")

    (tmp_path / "table.md").write_text(ROWS)
    write("llama-low/include/llama-low/a.h", "<string>")
    write("llama-low/src/a.cc", '"llama-low/a.h"', '"inner.h"', "<openssl/evp.h>", "<unistd.h>")
    write("llama-low/src/deep/inner.h")
    write("llama-low/tests/a_test.cc", "<gtest/gtest.h>", '"inner.h"', '"../src/deep/inner.h"')
    write("llama-high/include/llama-high/b.h", '"llama-low/a.h"')
    write("llama-high/src/b.cc", '"llama-high/b.h"', "<nlohmann/json.hpp>")
    write("llama-high/examples/e.cc", '"llama-high/b.h"', "<print>")
    write("testing/t.cc", '"llama-high/b.h"', '"inner.h"')
    return tmp_path, include_table.read_table(tmp_path / "table.md"), write


def test_a_sound_tree_has_no_violation(small_tree):
    root, table, _ = small_tree
    assert include_table.violations(root, table) == []
    assert include_table.unused(root, table) == []
    assert include_table.without_row(root, table) == []


@pytest.mark.parametrize("file,line,what", [
    ("llama-low/src/x.cc", '"llama-high/b.h"', "llama-high"),                        # upwards
    ("llama-low/src/x.cc", "<nlohmann/json.hpp>", "nlohmann-json"),                  # another's package
    ("llama-low/src/x.cc", "<boost/any.hpp>", "?"),                                  # nobody's package
    ("llama-low/include/llama-low/x.h", "<openssl/evp.h>", "OpenSSL"),               # a package in a public header
    ("llama-low/include/llama-low/x.h", '"../../src/deep/inner.h"', "llama-low/src"),  # its own inside in one
    ("llama-high/src/x.cc", '"../../llama-low/src/deep/inner.h"', "llama-low/src"),  # by a path
    ("llama-high/src/x.cc", '"deep/inner.h"', "llama-low/src"),                      # by a folder that CMake names
    ("llama-high/tests/x.cc", '"inner.h"', "llama-low/src"),                         # in a test
    ("llama-high/fuzz/x.cc", '"inner.h"', "llama-low/src"),
    ("llama-high/examples/x.cc", "<nlohmann/json.hpp>", "nlohmann-json"),
    ("llama-high/src/x.cc", "<gtest/gtest.h>", "GoogleTest"),                        # outside tests
    ("testing/x.cc", '"../llama-high/src/only.h"', "llama-high/src"),
])
def test_one_wrong_include_is_found(small_tree, file, line, what):
    root, table, write = small_tree
    write("llama-high/src/only.h")
    write(file, line)
    assert include_table.violations(root, table) == [f"{file}: {line[1:-1]} ({what})"]


def test_an_entry_that_nothing_needs_is_found(small_tree):
    root, table, write = small_tree
    write("llama-high/src/b.cc", '"llama-high/b.h"')
    assert include_table.unused(root, table) == ["llama-high: nlohmann-json"]


HIGH, LOW = '    llama-high["words"]', '    llama-low["words"]'


@pytest.mark.parametrize("picture,words,wrong", [
    ([f"{HIGH} --> llama-low", LOW], "", []),
    ([HIGH, LOW], "But every room but `llama-low` includes\n`llama-low`.", []),
    ([HIGH, LOW], "", ["llama-high includes llama-low, which is not drawn"]),
    ([f"{HIGH} --> llama-low & ggml-odd", LOW, '    ggml-odd["words"]'], "", [
        "ggml-odd: 1 boxes in the picture, 0 rows in the table",
        "llama-high --> ggml-odd is drawn, but no include is so"]),
    ([f"{HIGH} --> llama-low"], "", [
        "llama-low: 0 boxes in the picture, 1 rows in the table", "llama-high does not stand above llama-low"]),
    ([f"{HIGH} --> llama-low", LOW], "Of these every room but `llama-high` includes `llama-high`.", [
        "llama-low includes llama-high by the page's words, but by no include",
        "llama-low does not stand above llama-high"]),
    ([f"{HIGH} --> llama-low", "    llama-high -. loads .-> llama-low", LOW], "", [
        "llama-high loads llama-low, and includes it"]),
    ([LOW, f"{HIGH} --> llama-low"], "", ["llama-high does not stand above llama-low"]),
    ([f"{HIGH} --> llama-low", LOW, "    llama-low -. loads .-> llama-high"], "", [
        "llama-low does not stand above llama-high"]),
    ([HIGH, LOW, "    llama-high --- llama-low"], "", [
        "cannot be read: llama-high --- llama-low", "llama-high includes llama-low, which is not drawn"]),
])
def test_a_picture_that_shows_other_includes_is_found(small_tree, picture, words, wrong):
    root, table, _ = small_tree
    (root / "page.md").write_text("\n".join(["# Title", words, "```mermaid", "flowchart TD", *picture, "```", ROWS]))
    assert include_table.misdrawn(root, table, include_table.read_picture(root / "page.md")) == wrong


def test_a_package_with_two_doors_is_found(small_tree):
    root, table, _ = small_tree
    page = root / "page.md"
    page.write_text("A library has one door, but for ICU and\nOpenSSL: see below.")
    assert include_table.read_doors(page) == {"ICU", "OpenSSL"}
    assert include_table.doors(table) == set()
    assert include_table.doors({**table, "llama-more": {"llama-low", "OpenSSL"}}) == {"OpenSSL"}


def test_a_folder_without_a_row_is_found(small_tree):
    root, table, write = small_tree
    write("llama-new/src/n.cc", "<string>")
    assert include_table.without_row(root, table) == ["llama-new"]
