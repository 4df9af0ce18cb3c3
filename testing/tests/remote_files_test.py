"""The embed command reads from S3 (moto, from script/peers databases) and from a web server with ranges."""

import hashlib
import io
import json
import logging

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from database_servers import WebServer
from far_runs import SECRET_KEY, TOKEN, broken_off, goes_on, needs_peers, run, start
from program import rows


def table(first, count):
    return pa.table(
        {"id": range(first, first + count), "text": [f"text number {i}" for i in range(first, first + count)]}
    )


def large_table(count=20_000):
    digest = lambda i: hashlib.md5(str(i).encode()).hexdigest()
    return pa.table(
        {
            "id": range(count),
            "text": [f"row {i} {digest(i)} {digest(-i)}" for i in range(count)],
            "pad": [digest(i) * 40 for i in range(count)],
        }
    )


def as_parquet(rows_, **options):
    buffer = io.BytesIO()
    parquet.write_table(rows_, buffer, **options)
    return buffer.getvalue()


class Store:
    """A bucket of moto's."""

    def __init__(self):
        import boto3
        from moto.server import ThreadedMotoServer

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.server.start()
        host, port = self.server.get_host_and_port()
        self.environment = {
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_SESSION_TOKEN": TOKEN,
            "AWS_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        }
        self.client = boto3.client(
            "s3",
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            aws_access_key_id="key",
            aws_secret_access_key=SECRET_KEY,
            region_name="eu-west-1",
        )
        self.client.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    def put(self, key, body):
        self.client.put_object(Bucket="bucket", Key=key, Body=body)


@pytest.fixture(scope="session")
def store():
    one = Store()
    yield one
    one.server.stop()


@pytest.fixture
def web(tmp_path):
    (tmp_path / "www").mkdir()
    one = WebServer(tmp_path / "www")
    yield one
    one.close()


FILES = {
    "parquet": lambda rows_: as_parquet(rows_, row_group_size=100),
    "csv": lambda rows_: ("id,text\n" + "".join(f"{r['id']},{r['text']}\n" for r in rows_.to_pylist())).encode(),
    "jsonl": lambda rows_: "".join(json.dumps(r) + "\n" for r in rows_.to_pylist()).encode(),
}


@needs_peers
@pytest.mark.parametrize("kind", FILES)
def test_objects_and_globs_of_s3(kind, store, tmp_path):
    parts = [table(0, 300), table(300, 200)]
    for number, part in enumerate(parts):
        store.put(f"{kind}/part-{number}.{kind}", FILES[kind](part))
    out = tmp_path / "out.parquet"
    for source, expected in ((f"part-1.{kind}", parts[1]), (f"part-*.{kind}", pa.concat_tables(parts))):
        run(out, "-i", f"s3://bucket/{kind}/{source}", "--column", "text", "--force", **store.environment)
        assert rows(out).select(["id", "text"]).to_pylist() == expected.to_pylist()
    run(
        out,
        "--query",
        f"select * from 's3://bucket/{kind}/part-*.{kind}' where id between 299 and 300 order by id",
        "--force",
        **store.environment,
    )
    assert rows(out)["id"].to_pylist() == [299, 300]
    for name in (f"{kind}/none.{kind}", f"{kind}/none-*.{kind}", f"{kind}/"):
        done = run(
            out,
            "-i",
            f"s3://bucket/{name}",
            "--column",
            "text",
            "--force",
            "--input-format",
            kind,
            status=3,
            **store.environment,
        )
        assert f"s3://bucket/{name}" in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_credentials_of_the_environment_sign_the_requests(web, tmp_path):
    (web.folder / "bucket").mkdir()
    parquet.write_table(table(0, 5), web.folder / "bucket/a.parquet")
    environment = {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_SESSION_TOKEN": TOKEN,
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": web.url,
    }
    for flags in (["-i", "s3://bucket/a.parquet"], ["--query", "select * from 's3://bucket/a.parquet'"]):
        web.headers.clear()
        run(tmp_path / "out.parquet", *flags, "--column", "text", "--force", "--json", **environment)
        assert web.headers and all(
            "Credential=key/" in h["Authorization"]
            and "/eu-west-1/s3/" in h["Authorization"]
            and h["X-Amz-Security-Token"] == TOKEN
            for h in web.headers
        )
    done = run(
        tmp_path / "out.parquet",
        "-i",
        "s3://bucket/a.parquet",
        "--column",
        "text",
        "--force",
        status=2,
        **{**environment, "AWS_SECRET_ACCESS_KEY": ""},
    )
    assert "AWS_SECRET_ACCESS_KEY is not" in done.stderr
    web.status = 403
    done = run(
        tmp_path / "out.parquet",
        "-i",
        "s3://bucket/a.parquet",
        "--column",
        "text",
        "--force",
        status=3,
        **environment,
    )
    assert "s3://bucket/a.parquet" in done.stderr and "403" in done.stderr and done.stderr.count("\n") == 1


@needs_peers
def test_an_object_that_vanishes_is_named_and_the_run_goes_on(store, tmp_path):
    whole, out = large_table(), tmp_path / "out.parquet"
    body = as_parquet(whole, row_group_size=2_000, compression="none", use_dictionary=False)
    store.put("large.parquet", body)
    flags = ["-i", "s3://bucket/large.parquet", "--column", "text", "--threads", "1"]
    vanish = lambda: store.client.delete_object(Bucket="bucket", Key="large.parquet")
    said = broken_off(start(out, *flags, **store.environment), out.with_name("out.parquet.journal"), vanish, status=3)
    assert "s3://bucket/large.parquet" in said and "404" in said and said.count("\n") == 1, said
    for path in tmp_path.iterdir():
        assert SECRET_KEY.encode() not in path.read_bytes() and TOKEN.encode() not in path.read_bytes(), path
    assert "does not exist" in run(out, *flags, status=3, **store.environment).stderr
    store.put("large.parquet", body)
    assert goes_on(out, *flags[:-2], **store.environment).select(whole.column_names).to_pydict() == whole.to_pydict()


@pytest.mark.parametrize("kind", FILES)
def test_files_of_the_web(kind, web, tmp_path):
    (web.folder / f"a.{kind}").write_bytes(FILES[kind](table(0, 300)))
    out = tmp_path / "out.parquet"
    run(out, "-i", f"{web.url}/a.{kind}?X-Amz-Signature=abc123def", "--column", "text")
    assert rows(out).select(["id", "text"]).to_pylist() == table(0, 300).to_pylist()
    assert any(asked for method, _, asked in web.requests if method == "GET"), "no range was asked for"
    done = run(out, "-i", f"{web.url}/none.{kind}?sig=abc123def", "--column", "text", "--force", status=3)
    assert f"/none.{kind}" in done.stderr and "does not exist" in done.stderr and "abc123def" not in done.stderr


def test_a_web_server_that_breaks_off_is_named_and_the_run_goes_on(web, tmp_path):
    whole, out = large_table(), tmp_path / "out.parquet"
    parquet.write_table(
        whole, web.folder / "large.parquet", row_group_size=2_000, compression="none", use_dictionary=False
    )
    address = f"//user:{SECRET_KEY[:6]}@{web.url[7:]}/large.parquet"
    flags = ["-i", f"http:{address}", "--column", "text", "--threads", "1"]

    def break_off():
        web.break_after = 1000

    said = broken_off(start(out, *flags), out.with_name("out.parquet.journal"), break_off)
    assert "/large.parquet" in said and said.count("\n") == 1, said
    for path in tmp_path.iterdir():
        assert path.is_dir() or SECRET_KEY[:6].encode() not in path.read_bytes(), path
    web.break_after = None
    assert goes_on(out, *flags[:-2]).select(whole.column_names).to_pydict() == whole.to_pydict()


def test_a_web_server_that_is_not_there_is_named(tmp_path):
    done = run(tmp_path / "out.parquet", "-i", "http://127.0.0.1:1/a.csv", "--column", "text", status=6)
    assert "http://127.0.0.1:1/a.csv" in done.stderr and done.stderr.count("\n") == 1
    done = run(tmp_path / "out.parquet", "-i", "http://127.0.0.1:1/a.txt", "--input-format", "text", status=6)
    assert "http://127.0.0.1:1/a.txt" in done.stderr
