"""Who includes whom: the table of doc/architecture.md, and what the includes say.

A room is a folder of the tree with a row in the table. Its row names the rooms whose public headers it may include and
the packages from outside that its sources may include. An include is resolved as the compiler does, beside the file
first; so a path like "../../other/src/x.h", or a header that is found because CMake names another room's folder, is
what it is: a reach into that room.
"""
import dataclasses
import functools
import pathlib
import re

# What the table calls a package, and the headers that are its.
PACKAGES = {
    "OpenSSL": r"openssl/.*", "simdutf": r"simdutf\.h", "libcurl": r"curl/.*", "ICU": r"unicode/.*",
    "llama.cpp": r"llama\.h", "ggml": r"(ggml.*|gguf)\.h", "Highway": r"hwy/.*",
    "nlohmann-json": r"nlohmann/json(_fwd)?\.hpp",
    "minja": r"minja/.*", "RE2": r"re2/.*", "CLI11": r"CLI/.*", "isocline": r"isocline\.h",
    "Eigen": r"Eigen/.*", "hnswlib": r"hnswlib/.*", "zlib": r"zlib\.h",
    "Arrow": r"(arrow|parquet)/.*", "DuckDB": r"duckdb\.h(pp)?", "SQLite": r"sqlite3\.h",
    "GoogleTest": r"(gtest|gmock)/.*", "Google Benchmark": r"benchmark/.*",
}
STANDARD = (r"[a-z_0-9]+|(fcntl|poll|pthread|sched|unistd|signal|stdio_ext|dlfcn|link|termios|immintrin|sys/\w+"
            r"|linux/\w+|net\w*/\w+|arpa/\w+)\.h")
PARTS = ("include", "src", "tests", "examples", "fuzz")
SOURCES = (".h", ".cc")


@dataclasses.dataclass(frozen=True)
class Use:
    file: pathlib.Path  # from the tree's root
    include: str        # as it is written
    what: str           # an entry of the table: a room, "ROOM/src" for its inside, or a package; "?" for nothing known


def read_table(page):
    """{room: entries} of the page's table "| folder | what it is | may include |"."""
    rows = re.findall(r"^\| `([\w-]+)` \|[^|]*\|([^|]*)\|$", page.read_text(), re.M)
    return {room: {entry.strip().strip("`") for entry in entries.split(",") if entry.strip()} for room, entries in rows}


def read_picture(page):
    """{room: the line of the page's first picture that it stands in}."""
    picture = re.search(r"(?:^    .*\n|^\n)+", page.read_text()[page.read_text().index("\n    "):], re.M)[0]
    places = {}
    for number, line in enumerate(picture.splitlines()):
        for room in re.findall(r"(?:llama|ggml)-[a-z]+", line):
            places.setdefault(room, number)
    return places


@functools.cache
def includes(path):
    return re.findall(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', path.read_text(), re.M)


def sources(folder):
    return [path for path in sorted(folder.rglob("*")) if path.suffix in SOURCES and path.is_file()]


def part_of(file):
    return file.parts[1] if file.parts[1] in PARTS else "src"


class Tree:
    def __init__(self, root, rooms):
        self.root, self.rooms = root.resolve(), sorted(rooms)
        self.files = {room: sources(self.root / room) for room in self.rooms}
        self._by_name = {}
        for room, files in self.files.items():
            for file in files:
                self._by_name.setdefault((room, file.name), []).append(file)

    def room_of(self, path):
        return path.relative_to(self.root).parts[0]

    def find(self, path, name):
        """The file of the tree that an include in `path` means; None where it is none of ours."""
        beside = (path.parent / name).resolve()
        if beside.is_file() and beside.is_relative_to(self.root):
            return beside
        own, last = self.room_of(path), pathlib.PurePath(name).name
        for room in [own, *(other for other in self.rooms if other != own)]:
            candidates, public = self._by_name.get((room, last), []), self.root / room / "include" / name
            if public in candidates:
                return public
            # Whatever folder of the room CMake may name: the path's end has to agree.
            if inside := next((file for file in candidates if str(file).endswith("/" + name)), None):
                return inside
        return None

    def use(self, path, name):
        """What an include means; None for the room itself and for the standard library."""
        found = self.find(path, name)
        if found is None:
            if re.fullmatch(STANDARD, name):
                return None
            fitting = [package for package, headers in PACKAGES.items() if re.fullmatch(headers, name)]
            return fitting[0] if fitting else "?"
        room, part = self.room_of(found), part_of(found.relative_to(self.root))
        if room != self.room_of(path):
            return room if part == "include" else f"{room}/src"
        own = part_of(path.relative_to(self.root))
        return f"{room}/{part}" if own in ("include", "examples") and part not in ("include", own) else None

    def uses(self):
        return [Use(path.relative_to(self.root), name, what) for room in self.rooms for path in self.files[room]
                for name in includes(path) if (what := self.use(path, name)) is not None]


def allowed(part, entries, rooms):
    """What a part of a room may include, of its row's entries."""
    ours = {entry for entry in entries if entry in rooms}
    if "all public headers" in entries:
        ours |= {room for room in rooms if room.startswith("llama-")}
    if part in ("include", "examples"):
        return ours
    return ours | entries | ({"GoogleTest"} if part == "tests" else set())


def violations(root, table):
    """Includes that no row allows, as "FILE: INCLUDE (WHAT)"."""
    return [f"{use.file}: {use.include} ({use.what})" for use in Tree(root, table).uses()
            if use.what not in allowed(part_of(use.file), table[use.file.parts[0]], table)]


def unused(root, table):
    """Entries of the table that nothing needs, as "ROOM: ENTRY"."""
    used = {(use.file.parts[0], use.what) for use in Tree(root, table).uses()}
    return [f"{room}: {entry}" for room, entries in table.items() for entry in sorted(entries)
            if entry != "all public headers" and (room, entry) not in used]


def upward(root, table, places):
    """Includes of a room that stands beside or above, and rooms that the picture lacks."""
    rooms = [room for room in table if re.match("llama-|ggml-", room)]
    lacking = [f"{room} is not in the picture" for room in rooms if room not in places]
    edges = {(use.file.parts[0], use.what) for use in Tree(root, table).uses() if use.what in table}
    return lacking + [f"{room} includes {below}" for room, below in sorted(edges)
                      if room in places and below in places and places[below] <= places[room]]


def without_row(root, table):
    """Folders with C++ in them that the table does not know."""
    return sorted({path.relative_to(root).parts[0] for folder in root.iterdir()
                   if folder.is_dir() and folder.name not in ("build", ".git", "shared") for path in sources(folder)}
                  - set(table))
