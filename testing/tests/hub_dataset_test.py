"""Files of data sets: what a URI means, which files come, and what is said where none do.

What a network and a disk can do to a download is tested with models; here, that data sets go the same way.
"""
import concurrent.futures
import hashlib
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest
from fetching import cli, command, environment, fetch, wrong
from program import PROJECT, REAL

import fake_hub_faults as faults  # fetching knows where

REPO = "datasets/org/texts"
LARGE = bytes(range(256)) * 200  # in large file storage
# Numbers with and without zeros, small and large files, names that are no tables.
FILES = {"README.md": b"# Texts\n", ".gitattributes": b"*.parquet filter=lfs\n", "LICENSE.txt": b"MIT\n",
         "data/train-2.parquet": LARGE + b"2", "data/train-10.parquet": LARGE + b"10",
         "data/train-1.parquet": b"PAR1 small", "data/test-1.parquet": LARGE + b"t", "data/notes.csv": b"a,b\n",
         "data/_SUCCESS": b"", "csv/de/1.csv.gz": b"gz", "csv/en/1.CSV": b"text\nhello\n",
         "csv/en/2.csv": b"text\nworld\n", "csv/en/empty.csv": b"", "csv/en/.hidden.csv": b"no",
         "csv/data[1].csv": b"brackets", "odd/a@b %2F \xc3\xa4.csv".encode("latin-1").decode(): b"odd"}


@pytest.fixture
def texts(hub):
    for path, content in FILES.items():
        hub.add(REPO, path, content)
    return hub


def got(run, hit="new"):
    """The files, in their order; each has been compared with what the hub has."""
    assert run.returncode == 0, run.stdout + run.stderr
    first, *lines = run.stdout.splitlines()
    assert first.split()[:2] == ["ok", hit], run.stdout
    paths = []
    for line in lines:
        path, place, size, digest = line.split("\t")
        content = pathlib.Path(place).read_bytes()
        assert len(content) == int(size) and place.endswith(pathlib.PurePath(path).name)
        assert digest in (hashlib.sha256(content).hexdigest(),
                          hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest())
        paths.append((path, content))
    return paths


def names(run, hit="new"):
    return [path for path, _ in got(run, hit)]


def uri(path="", revision=""):
    return f"hf://datasets/org/texts{revision and '@' + revision}/{path}".rstrip("/")


def start(hub, tmp_path, *arguments, **more):
    return subprocess.Popen(command(tmp_path, *arguments, **more), env=environment(hub, tmp_path),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


# What a pattern means

@pytest.mark.parametrize("pattern,expected", [
    ("data/train-2.parquet", ["data/train-2.parquet"]),
    ("README.md", ["README.md"]),
    ("data/train-*.parquet", ["data/train-1.parquet", "data/train-2.parquet", "data/train-10.parquet"]),
    ("data/train-[12].parquet", ["data/train-1.parquet", "data/train-2.parquet"]),
    ("data/train-?.parquet", ["data/train-1.parquet", "data/train-2.parquet"]),
    ("data/t[!r]*", ["data/test-1.parquet"]),
    ("*/en/*.csv", ["csv/en/2.csv", "csv/en/empty.csv"]),
    ("csv/**/[0-9].[cC][sS][vV]*", ["csv/de/1.csv.gz", "csv/en/1.CSV", "csv/en/2.csv"]),
    ("**/*.parquet", ["data/test-1.parquet", "data/train-1.parquet", "data/train-2.parquet",
                      "data/train-10.parquet"]),
    ("data", ["data/test-1.parquet", "data/train-1.parquet", "data/train-2.parquet", "data/train-10.parquet"]),
    ("", ["data/test-1.parquet", "data/train-1.parquet", "data/train-2.parquet", "data/train-10.parquet"]),
    ("csv", ["csv/data[1].csv", "csv/de/1.csv.gz", "csv/en/1.CSV", "csv/en/2.csv", "csv/en/empty.csv"]),
    ("csv/en/", ["csv/en/1.CSV", "csv/en/2.csv", "csv/en/empty.csv"]),
    ("csv/data[1].csv", ["csv/data[1].csv"]),
    ("*", ["LICENSE.txt", "README.md"]),
    ("odd/*", ["odd/a@b %2F ä.csv"]),
    ("odd/a@b %2F ä.csv", ["odd/a@b %2F ä.csv"]),
])
def test_what_a_pattern_means(texts, tmp_path, pattern, expected):
    texts.page_size = 3
    found = got(fetch(texts, tmp_path, repo=uri(pattern)))
    assert found == [(path, FILES[path]) for path in expected]
    texts.forget()
    assert got(fetch(texts, tmp_path, repo=uri(pattern)), hit="hit") == found
    assert not texts.requests("resolve", "blob", "small")
    texts.stop()  # the hub is down: the cache has it
    run = fetch(texts, tmp_path, "retries=0", repo=uri(pattern))
    assert got(run, hit="hit") == found and "the data set from the cache is used" in run.stderr


def test_a_folder_of_several_kinds(texts, tmp_path):
    run = fetch(texts, tmp_path, repo=uri("data"))
    told = "left out: data/notes.csv, of another kind than data/test-1.parquet; name it to take it"
    assert told in run.stderr, run.stderr


def test_only_the_needed_part_of_the_list_is_asked_for(texts, tmp_path):
    for pattern, folder, recursive in (("data/*.parquet", "data", "false"), ("csv/**/*.gz", "csv", "true"),
                                       ("csv/en/2.csv", "csv/en", "false")):
        texts.forget()
        fetch(texts, tmp_path, repo=uri(pattern))
        (tree,) = texts.requests("tree")
        assert tree.path.endswith("/" + folder)
        assert (tree.query["recursive"], tree.query["expand"]) == (recursive, "false")


# Revisions

def test_revisions(texts, tmp_path):
    texts.add(REPO, "default/train/0000.parquet", b"converted", revision="refs/convert/parquet")
    texts.add(REPO, "x.csv", b"branch", revision="feature/x")
    texts.add(REPO, "x.csv", b"request", revision="refs/pr/3")
    for revision, path, content in (("refs/convert/parquet", "default/train/0000.parquet", b"converted"),
                                    ("refs%2Fconvert%2Fparquet", "default/**", b"converted"),
                                    ("~parquet", "", b"converted"), ("feature%2Fx", "x.csv", b"branch"),
                                    ("refs/pr/3", "x.csv", b"request"), ("main", "LICENSE.txt", b"MIT\n"),
                                    (texts.refs[REPO]["feature/x"], "x.csv", b"branch")):
        run = fetch(texts, tmp_path / revision.replace("/", "_"), repo=uri(path, revision))
        assert [content for _, content in got(run)] == [content], revision
    wrong(fetch(texts, tmp_path, repo=uri("x.csv", "none")), "NotFound",
          "data set 'org/texts' has no revision 'none'")


def test_a_commit_in_the_cache_is_not_asked_for(texts, tmp_path):
    commit = texts.main[REPO]
    assert got(fetch(texts, tmp_path, repo=uri("data/*.parquet")))
    texts.forget()
    assert len(got(fetch(texts, tmp_path, repo=uri("data/*.parquet", commit)), hit="hit")) == 4
    assert len(got(fetch(texts, tmp_path, "cached", repo=uri("data/*.parquet")), hit="hit")) == 4
    assert texts.requests() == []


def test_a_data_set_that_grows(texts, tmp_path):
    """Only what is new is fetched; what there was stays once on the disk, and the old commit can still be had."""
    before, old = got(fetch(texts, tmp_path, repo=uri("data/*.parquet"))), texts.main[REPO]
    texts.add(REPO, "data/train-3.parquet", LARGE + b"3")
    texts.forget()
    run = fetch(texts, tmp_path, repo=uri("data/*.parquet"))
    after = got(run)
    assert [path for path, _ in after] == ["data/test-1.parquet", "data/train-1.parquet", "data/train-2.parquet",
                                           "data/train-3.parquet", "data/train-10.parquet"]
    assert texts.sent() == len(LARGE) + 1 and run.stdout.split()[2] == texts.main[REPO]
    inodes = {p.stat().st_ino for p in (tmp_path / "cache").glob("[!.]*/**/*.parquet")}
    assert len(inodes) == 5
    assert got(fetch(texts, tmp_path, repo=uri("data/*.parquet", old)), hit="hit") == before
    texts.forget()
    assert len(got(fetch(texts, tmp_path, "cached", repo=uri("data/*.parquet")),
                   hit="hit")) == 5 and texts.requests() == []


def test_a_file_of_several_commits_is_counted_once(texts, tmp_path):
    def models(*arguments):
        run = cli(texts, tmp_path, "models", *arguments)
        assert run.returncode == 0, run.stderr
        return run.stdout

    old = texts.main[REPO]
    got(fetch(texts, tmp_path, repo=uri("data/*.parquet")))
    texts.add(REPO, "data/train-3.parquet", LARGE + b"3")
    got(fetch(texts, tmp_path, repo=uri("data/*.parquet")))
    files = {p.stat().st_ino: p.stat().st_size for p in (tmp_path / "cache").glob("[!.]*/**/*.parquet")}
    total = sum(files.values())
    assert f"\n{total / 1e3:.1f} kB in all" in models("list") and "kB shared)" in models("list")
    new, before = sorted(json.loads(models("list", "--json")), key=lambda one: -one["size_bytes"])
    assert before["commit"] == old and (before["freed_bytes"], new["freed_bytes"]) == (0, len(LARGE) + 1)
    assert new["owned_bytes"] == total and before["owned_bytes"] == total - len(LARGE) - 1
    assert json.loads(models("prune", "--json"))["size_bytes"] == total
    assert "(0 bytes)" in models("remove", before["key"]) and f"\n{total / 1e3:.1f} kB in all" in models("list")
    assert f"({total / 1e3:.1f} kB)" in models("remove", new["key"])


def test_a_data_set_that_grows_where_something_has_to_go(texts, tmp_path):
    """Its earlier commit was used before the other data set, but is what most files are linked from."""
    texts.add("datasets/org/other", "x.parquet", LARGE + b"x")
    before = got(fetch(texts, tmp_path, repo=uri("data/*.parquet")))
    time.sleep(1.1)  # the last use is known to the second
    got(fetch(texts, tmp_path, repo="hf://datasets/org/other"))
    texts.add(REPO, "data/train-3.parquet", LARGE + b"3")
    texts.forget()
    run = fetch(texts, tmp_path, "limit=220000", repo=uri("data/*.parquet"))
    assert len(got(run)) == len(before) + 1 and texts.sent() == len(LARGE) + 1
    assert run.stderr.count("removed '") == 1 and "removed 'datasets%2Forg%2Fother_x" in run.stderr, run.stderr


def test_a_data_set_that_changes_where_the_earlier_commit_has_to_go(texts, tmp_path):
    """There is no room for what is new beside what the rest would be linked from: all of it is fetched."""
    got(fetch(texts, tmp_path, repo=uri("data/*.parquet")))
    for number in ("2", "10"):
        texts.add(REPO, f"data/train-{number}.parquet", LARGE + f"{number} anew".encode())
    run = fetch(texts, tmp_path, "limit=200000", repo=uri("data/*.parquet"))
    assert len(got(run)) == 4 and run.stderr.count("removed 'datasets%2Forg%2Ftexts_data") == 1, run.stderr
    # Nothing goes for a data set that does not fit at all.
    texts.add(REPO, "data/train-3.parquet", LARGE + b"3")
    wrong(fetch(texts, tmp_path, "limit=200000", repo=uri("data/*.parquet")), "NoSpace", "limit")
    assert len(got(fetch(texts, tmp_path, "cached", repo=uri("data/*.parquet")), hit="hit")) == 4


def test_offline(texts, tmp_path):
    offline = {"HF_HUB_OFFLINE": "1"}
    wrong(fetch(texts, tmp_path, repo=uri("data/*.parquet"), **offline), "Offline",
          "'data/*.parquet' of the data set 'org/texts' is not in the cache", "network is switched off")
    assert got(fetch(texts, tmp_path, repo=uri("data/t*.parquet")))
    assert len(got(fetch(texts, tmp_path, repo=uri("data/t*.parquet"), **offline), hit="hit")) == 4
    assert names(fetch(texts, tmp_path, repo=uri("data/test-1.parquet"), **offline),
                 hit="hit") == ["data/test-1.parquet"]
    # Which files another pattern means, only the hub knows.
    wrong(fetch(texts, tmp_path, repo=uri("data/*.parquet"), **offline), "Offline", "is not in the cache")
    wrong(fetch(texts, tmp_path, repo=uri("data/t*.parquet", "v1"), **offline), "Offline", "is not in the cache")
    wrong(fetch(None, tmp_path, repo=uri("data/t*.parquet"), **offline), "Offline",
          f"from '{texts.endpoint}', not from")
    assert texts.requests("blob") and not (tmp_path / "xdg").exists()


# What is said

def test_nothing_matches(texts, tmp_path):
    def refused(one, *told):
        wrong(fetch(texts, tmp_path, repo=one), "NotFound", *told)

    refused(uri("data/*.parqet"), f"data set 'org/texts' has {len(FILES)} files at revision 'main', and none that "
            "'data/*.parqet' means; the nearest: data/t", ".parquet")
    refused(uri("daten/train-10.parquet"), f"{len(FILES)} files", "the nearest: data/train-10.parquet, ")
    refused(uri("odd/none"), "'odd/none'")
    texts.add("datasets/org/docs", "README.md", b"# Nothing yet")
    refused("hf://datasets/org/docs", "has 1 file at revision 'main', and none that is a table; the nearest: README.md")


def test_what_is_no_data_set(texts, tmp_path):
    def refused(one, code, *told, **more):
        wrong(fetch(texts, tmp_path, repo=one, **more), code, *told)

    for missing in ("org/none", "org/none/data/*.parquet"):
        refused(f"hf://datasets/{missing}", "NotFound",
                "the hub has no data set 'org/none'; a private one needs a token: set HF_TOKEN")
    refused("hf://datasets/org/model/tiny-Q8_0.gguf", "NotFound", "'org/model' is a model's repository and no data set")
    # A missing revision of a data set that has a model's name says nothing about models.
    texts.add("datasets/org/model", "x.csv", b"x")
    refused("hf://datasets/org/model@none", "NotFound", "data set 'org/model' has no revision 'none'")
    texts.token = "hf_right"
    texts.private.add(REPO)
    refused(uri("data"), "NotFound", "the hub has no data set 'org/texts'; a private one needs a token")
    refused(uri("data"), "AccessDenied", "does not accept the token", HF_TOKEN="hf_wrong")
    refused("hf://datasets/org/none", "NotFound", "the hub has no data set 'org/none' that this token may read",
            HF_TOKEN="hf_right")
    assert len(got(fetch(texts, tmp_path, repo=uri("data"), HF_TOKEN="hf_right"))) == 4
    texts.gated.add(REPO)
    texts.private.clear()
    refused(uri("csv"), "AccessDenied", "data set 'org/texts' asks to accept its terms",
            f"open {texts.endpoint}/datasets/org/texts in a browser")


@pytest.mark.parametrize("text", [
    "hf://", "hf://datasets", "hf://datasets/", "hf://datasets/org", "hf://datasets/org/", "hf://datasets//name",
    "hf://datasets/org/name@", "hf://datasets/org/name@/x", "hf://datasets/org/name/../x",
    "hf://datasets/org/name//x", "hf://datasets/org/name@..%2Fx/y", "hf://datasets/org/name/a**b",
    "hf://dataset/org/name", "hf://spaces/org/name", "hf://org/model", "hf://models/org/model/x",
    "hf://datasets/org@main/name", "hf://datasets/org/na me/x", "hf://datasets/org/name/a\\b"])
def test_what_is_no_uri(hub, tmp_path, text):
    run = fetch(hub, tmp_path, repo=text)
    wrong(run, "InvalidArgument")
    form = "hf://datasets/ORGANIZATION/NAME[@REVISION]/FILE"
    assert form in run.stdout or "'**' stands for whole folders" in run.stdout
    assert hub.requests() == []
    is_model = text in ("hf://", "hf://org/model", "hf://models/org/model/x")
    assert ("names a model, not" in run.stdout) == is_model, run.stdout


# Data sets go the way of models

def test_faults(texts, tmp_path):
    texts.fault("blob", faults.cut(1000, rst=True), times=2)
    texts.fault("small", faults.status(503))
    texts.fault("tree", faults.status(429, {"Retry-After": "1"}))
    assert len(got(fetch(texts, tmp_path, repo=uri("data/*.parquet")))) == 4
    digest = hashlib.sha256(LARGE + b"t").hexdigest()
    texts.fault("blob", faults.flip_at(100), times=None, path=digest)
    wrong(fetch(texts, tmp_path / "new", repo=uri("data/*.parquet")), "Corrupt",
          "file 'data/test-1.parquet' of 'org/texts' came damaged", digest)
    assert not [p for p in (tmp_path / "new/cache").glob("[!.]*/**/*.parquet")]


@pytest.mark.parametrize("edit", [faults.cut(0), faults.cut(0, rst=True), faults.stall(0, 30)],
                         ids=["FIN", "RST", "stall"])
def test_nothing_comes_after_the_head_of_a_small_file(texts, tmp_path, edit):
    """The hub itself sends it, and no content server whose addresses expire."""
    texts.fault("small", edit)
    run = fetch(texts, tmp_path, repo=uri("csv/en/2.csv"))
    assert got(run) == [("csv/en/2.csv", FILES["csv/en/2.csv"])]
    assert "trying again" in run.stderr and "206" not in run.stderr and "expired" not in run.stderr, run.stderr


def test_what_every_request_says(texts, tmp_path):
    texts.token = "hf_secret"
    fetch(texts, tmp_path, repo=uri("data"), HF_TOKEN="hf_secret")
    assert all(r.headers["accept-encoding"] == "identity" for r in texts.requests())
    assert all(r.headers.get("authorization") == "Bearer hf_secret" for r in texts.requests("info", "tree", "resolve"))
    assert texts.leaked_tokens == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_killed_goes_on(texts, tmp_path, how):
    for number in range(20):
        texts.add("datasets/org/many", f"data/{number}.bin", LARGE + str(number).encode())
    texts.rate_per_connection = 400_000
    process = start(texts, tmp_path, "lanes=1", repo="hf://datasets/org/many/data/*")
    while texts.sent() < 8 * len(LARGE) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(how)
    out, _ = process.communicate(timeout=20)
    assert not [p for p in (tmp_path / "cache").glob("[!.]*/**/*.bin")]
    if how == signal.SIGINT:
        assert out.startswith("error Cancelled ") and "run again to go on" in out
    texts.rate_per_connection = 0
    texts.forget()
    found = got(fetch(texts, tmp_path, repo="hf://datasets/org/many/data/*"))
    assert [path for path, _ in found] == [f"data/{number}.bin" for number in range(20)]
    assert texts.sent() < 14 * len(LARGE), "what had come is not fetched again"
    assert not [p for p in (tmp_path / "cache/.incoming").glob("*") if p.is_dir()]


def test_many_processes(texts, tmp_path):
    """Of the same files, and of others that they share: each comes once."""
    texts.rate_per_connection = 500_000
    patterns = ["data/*.parquet", "data/*.parquet", "data/train-*.parquet", "data"]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        runs = list(pool.map(lambda pattern: fetch(texts, tmp_path, repo=uri(pattern)), patterns))
    for run in runs:
        assert run.returncode == 0 and len(run.stdout.splitlines()) >= 4, run
    large = [r for r in texts.requests("blob") if r.sent]
    expected = sum(len(FILES[f"data/{name}.parquet"]) for name in ("train-2", "train-10", "test-1"))
    assert sum(r.sent for r in large) == expected


def test_the_limit_of_the_cache(texts, tmp_path):
    wrong(fetch(texts, tmp_path, "limit=100000", repo=uri("data/*.parquet")), "NoSpace",
          "'org/texts': 0.00 GB are needed", "limit")
    assert texts.requests("resolve") == []
    got(fetch(texts, tmp_path, "limit=200000", repo=uri("data/train-2.parquet")))
    run = fetch(texts, tmp_path, "limit=110000", repo=uri("data/train-1*.parquet"))
    assert len(got(run)) == 2
    run = fetch(texts, tmp_path, "limit=110000", repo=uri("data/test-1.parquet"))
    assert got(run) and "removed 'datasets%2Forg%2Ftexts_data" in run.stderr


def test_a_set_in_use_stays(texts, tmp_path):
    held = start(texts, tmp_path, "hold=30", repo=uri("data/train-2.parquet"))
    try:
        assert held.stdout.readline().startswith("ok new")
        wrong(fetch(texts, tmp_path, "limit=60000", repo=uri("data/train-10.parquet")), "NoSpace", "in use")
    finally:
        held.kill()
    assert got(fetch(texts, tmp_path, "limit=60000", repo=uri("data/train-10.parquet")))


def test_names_that_the_cache_has_too(texts, tmp_path):
    for name in ("manifest.json", "%manifest.json", ".last_used", "manifest.json.csv"):
        texts.add("datasets/org/ours", name, name.encode())
    expected = [(n, n.encode()) for n in ("%manifest.json", "manifest.json", "manifest.json.csv")]
    assert got(fetch(texts, tmp_path, repo="hf://datasets/org/ours/*")) == expected
    assert got(fetch(texts, tmp_path, repo="hf://datasets/org/ours/.last_used")) == [(".last_used", b".last_used")]
    assert names(fetch(texts, tmp_path, repo="hf://datasets/org/ours/*"), hit="hit")


def test_a_data_set_is_no_model(texts, tmp_path):
    """One name, two repositories: the cache keeps them apart."""
    texts.add("datasets/org/model", "tiny-Q8_0.gguf", b"GGUF is no model here")
    assert got(fetch(texts, tmp_path, repo="hf://datasets/org/model/tiny-Q8_0.gguf"))
    assert fetch(texts, tmp_path).stdout.startswith("ok new ")
    manifests = [json.loads(p.read_text())["repo"] for p in (tmp_path / "cache").glob("[!.]*/manifest.json")]
    assert sorted(manifests) == ["datasets/org/model", "org/model"]


# Hugging Face's own client

def peers():
    digest = hashlib.sha256((PROJECT / "script/peers-hub.txt").read_bytes()).hexdigest()[:16]
    return REAL.parent / f"peers-{digest}"


with_peers = pytest.mark.skipif(not peers().is_dir(), reason="no huggingface_hub here: `script/peers hub` fetches it")
RESOLVE = """import json, sys
from huggingface_hub import HfFileSystem
files = HfFileSystem(use_listings_cache=False)
for uri in json.loads(sys.argv[1]):
    names = files.glob(uri, detail=True) if any(c in uri for c in "*?[") else {uri: files.info(uri)}
    found = [name for name, facts in names.items() if facts["type"] == "file"]
    found = {files.resolve_path(name).path_in_repo: files.cat_file(name).hex() for name in found}
    print(json.dumps(found))
"""


def theirs(hub, tmp_path, code, *arguments):
    env = environment(hub, tmp_path, PYTHONPATH=str(peers()), HF_HUB_DISABLE_XET="1", HF_HUB_DISABLE_TELEMETRY="1")
    run = subprocess.run([sys.executable, "-c", code, *arguments], env=env,
                         capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    return run.stdout


@with_peers
def test_huggingface_hub_finds_the_same(texts, tmp_path):
    for revision in ("feature/x", "refs/pr/3", "refs/convert/parquet"):
        texts.add(REPO, "data/x.csv", revision.encode(), revision=revision)
    uris = [uri(*of) for of in (("data/train-*.parquet",), ("data/train-[12].parquet",), ("data/train-?.parquet",),
                                ("data/t[!r]*",), ("csv/**/[0-9].csv*",), ("**/*.parquet",), ("csv/**",),
                                ("*/en/*.csv",), ("**/en/*",),
                                ("**",), ("*/*",), ("data/train-2.parquet",), ("odd/a@b %2F ä.csv",),
                                ("data/*", "feature%2Fx"), ("data/x.csv", "refs/pr/3"),
                                ("**", "refs/convert/parquet"),
                                ("data/*.csv", "refs%2Fconvert%2Fparquet"), ("data/*.csv", "~parquet"))]
    for one, line in zip(uris, theirs(texts, tmp_path, RESOLVE, json.dumps(uris)).splitlines(), strict=True):
        found = json.loads(line)
        visible = {p: bytes.fromhex(c) for p, c in found.items()
                   if not any(part.startswith(".") for part in p.split("/"))}
        own = tmp_path / hashlib.sha1(one.encode()).hexdigest()
        assert visible and dict(got(fetch(texts, own, repo=one))) == visible, one


@with_peers
def test_what_huggingface_hub_has_is_used(texts, tmp_path):
    """Its cache is read, by the digests of the files; ours holds links."""
    code = ("from huggingface_hub import snapshot_download\n"
            "print(snapshot_download('org/texts', repo_type='dataset', allow_patterns='data/*.parquet'))")
    snapshot = pathlib.Path(theirs(texts, tmp_path, code).strip())
    assert snapshot.parent.parent.name == "datasets--org--texts"
    texts.forget()
    run = fetch(texts, tmp_path, repo=uri("data/*.parquet"))
    found = got(run, hit="hit")
    theirs_has = {str(p.relative_to(snapshot)): p.read_bytes() for p in snapshot.glob("data/*.parquet")}
    assert dict(found) == theirs_has
    assert texts.requests("resolve", "blob", "small") == []
    assert run.stderr.count("is in Hugging Face's cache already") == 4
    shutil.rmtree(snapshot.parent.parent)  # links that lead nowhere are not used
    assert len(got(fetch(texts, tmp_path, repo=uri("data/*.parquet")))) == 4
