"""What testing/parse_apart.py finds, and what it has to leave alone."""
import os
import pathlib
import shutil
import sys

import pytest

PROJECT = pathlib.Path(os.environ["PROJECT"])
sys.path.insert(0, str(PROJECT / "testing"))
import parse_apart

pytestmark = pytest.mark.skipif(shutil.which("c++") is None, reason="no c++")


def fault_of(path, text):
    path.write_text(text)
    return parse_apart.parse(path, "c++", ["-std=c++23"])


def test_a_file_that_stands_by_itself_has_no_fault(tmp_path):
    assert fault_of(tmp_path / "a.cc", "#include <vector>\nstd::vector<int> numbers() { return {1}; }\n") is None
    assert fault_of(tmp_path / "a.h", "#pragma once\nstruct Row { int number; };\n") is None


@pytest.mark.parametrize("text, named", [
    ("int count() { return rows().size; }\n", "rows"),
    ("class Table; int count(const Table& t) { return t.count; }\n", "Table"),
    ("#include \"beside.h\"\nint count() { return kCount + kOther; }\n", "kOther"),
    ("int count( { return 1; }\n", "error"),
    ("struct Row { int number; }\n", "expected"),  # what is said shows the line after it
])
def test_what_nothing_declares_is_named(tmp_path, text, named):
    (tmp_path / "beside.h").write_text("constexpr int kCount = 3;\n")
    fault = fault_of(tmp_path / "a.cc", text)
    assert fault and "a.cc" in fault and named in fault, fault


def test_the_files_of_a_unit_are_taken_apart_and_what_is_a_unit_of_its_own_is_left(tmp_path):
    unit = tmp_path / "unity_0_cxx.cxx"
    unit.write_text('#include "testing/fake_gpu.cc"\n#include "nowhere/generated.cc"\n')
    assert parse_apart.members(unit) == [PROJECT / "testing/fake_gpu.cc"]
    assert parse_apart.members(PROJECT / "testing/fake_gpu.cc") == []


def test_flags_that_change_what_a_file_means_are_kept():
    command = ("/usr/bin/ccache c++ -DX=1 -D_GLIBCXX_ASSERTIONS -Iinclude -isystem /eigen3 -O2 -g -std=gnu++23 "
               "-o a.o -c a.cc")
    assert parse_apart.kept(command) == ("c++", ["-DX=1", "-Iinclude", "-isystem", "/eigen3", "-std=gnu++23"])
