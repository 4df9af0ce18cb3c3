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
ROOM = "(?:llama|ggml)-[a-z]+"  # of the rooms that the picture has


@dataclasses.dataclass(frozen=True)
class Use:
    file: pathlib.Path  # from the tree's root
    include: str        # as it is written
    what: str           # an entry of the table: a room, "ROOM/src" for its inside, or a package; "?" for nothing known


@dataclasses.dataclass(frozen=True)
class Picture:
    rooms: list   # from the top: A["words"]
    drawn: set    # (room, one below that it includes): A --> B & C
    loaded: set   # (room, one that no include leads to): A -. loads .-> B
    undrawn: set  # (room, one that the page says it includes, in words)
    odd: list     # lines that are none of these


def read_table(page):
    """{room: entries} of the page's table "| folder | what it is | may include |"."""
    rows = re.findall(r"^\| `([\w-]+)` \|[^|]*\|([^|]*)\|$", page.read_text(), re.M)
    return {room: {entry.strip().strip("`") for entry in entries.split(",") if entry.strip()} for room, entries in rows}


def read_picture(page):
    """The page's picture, and what its words say of lines that are not drawn."""
    text = page.read_text()
    rooms, drawn, loaded, odd = [], set(), set(), []
    for line in re.search(r"^```mermaid\n(.*?)^```$", text, re.M | re.S)[1].splitlines()[1:]:
        read = re.fullmatch(rf' +({ROOM})(\["[^"]+"\])?(?: (-->|-\. \w+ \.->) ({ROOM}(?: & {ROOM})*))?', line)
        if not read:
            odd.append(line.strip())
            continue
        room, label, arrow, below = read.groups()
        rooms += [room] if label else []
        (drawn if arrow == "-->" else loaded).update((room, other) for other in (below or "").split(" & ") if other)
    said = re.search(rf"every room but ((?:`{ROOM}`(?:, | and )?)+) includes `({ROOM})`", " ".join(text.split()))
    undrawn = {(room, said[2]) for room in rooms if room != said[2] and f"`{room}`" not in said[1]} if said else set()
    return Picture(rooms, drawn, loaded, undrawn, odd)


def read_doors(page):
    """Packages that the page says have more doors than one."""
    said = re.search(r"has one door, but for ([^:.]*)", " ".join(page.read_text().split()))
    return set(re.split(r", | and ", said[1]))


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


def misdrawn(root, table, picture):
    """Where the picture and the includes are not the same, and lines of it that do not lead down."""
    rooms, places = [room for room in table if re.fullmatch(ROOM, room)], picture.rooms
    real = {(use.file.parts[0], use.what.partition("/")[0]) for use in Tree(root, table).uses()}
    real = {(room, other) for room, other in real if room in rooms and other in rooms and other != room}
    shown = picture.drawn | picture.undrawn
    wrong = [f"cannot be read: {line}" for line in picture.odd]
    wrong += [f"{room}: {places.count(room)} boxes in the picture, {rooms.count(room)} rows in the table"
              for room in dict.fromkeys(rooms + places) if (places.count(room), rooms.count(room)) != (1, 1)]
    wrong += [f"{room} includes {other}, which is not drawn" for room, other in sorted(real - shown)]
    wrong += [f"{room} --> {other} is drawn, but no include is so" for room, other in sorted(picture.drawn - real)]
    wrong += [f"{room} includes {other} by the page's words, but by no include" for room, other in
              sorted(picture.undrawn - real)]
    wrong += [f"{room} loads {other}, and includes it" for room, other in sorted(picture.loaded & real)]
    return wrong + [f"{room} does not stand above {other}" for room, other in sorted(shown | picture.loaded)
                    if room in places and other not in places[places.index(room) + 1:]]


def doors(table):
    """Packages from outside that more rooms than one include, of libraries, plug-in and program."""
    entries = [entry for room, row in table.items() if re.fullmatch(ROOM, room) for entry in row - set(table)]
    return {entry for entry in entries if entries.count(entry) > 1}


def without_row(root, table):
    """Folders with C++ in them that the table does not know."""
    return sorted({path.relative_to(root).parts[0] for folder in root.iterdir()
                   if folder.is_dir() and folder.name not in ("build", ".git", "shared") for path in sources(folder)}
                  - set(table))
