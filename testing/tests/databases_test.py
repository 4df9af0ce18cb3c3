"""The embed command reads from real servers of PostgreSQL and MariaDB, and from files of SQLite and DuckDB.

What it writes is compared with what psycopg, PyMySQL and sqlite3 read from the same place. The servers come from
script/root-fs databases, those two from script/peers databases; script/test prepares both.
"""

import json
import os
import sqlite3
import subprocess
import urllib.parse

import pytest
from database_servers import PASSWORD, MariaDB, Postgres
from far_runs import broken_off, command, goes_on, needs_peers, needs_root, run, start
from program import duckdb, rows

OURS = ["text_hash", "embedding", "sequence_length", "processing_time_ms"]
TEXTS = ["plain", 'it\'s "quoted"', "two\r\nlines\t\\ end", "Größe 短い 👍", None, ""]


def kept(output):
    return rows(output).drop(OURS)


def types(table):
    return {field.name: str(field.type) for field in table.schema}


def server(kind, tmp_path_factory):
    try:
        one = kind(tmp_path_factory.mktemp(kind.__name__.lower()))
    except subprocess.SubprocessError:
        pytest.skip("a root file system cannot be entered here: no mounts of one's own")
    one.start()
    return one


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    one = server(Postgres, tmp_path_factory)
    one.write(
        "create type mood as enum ('good', 'bad')",
        "create table notes (id bigint primary key, body text, small smallint, price numeric(12, 2), "
        "ratio double precision, tall real, at timestamptz, local timestamp, day date, ok boolean, tags text[], "
        "doc jsonb, code uuid, raw bytea, how mood)",
        "create sequence counter",
        "create table large as select i as id, 'row ' || i || repeat(' ' || md5(i::text), 2) as body, "
        "(select string_agg(md5((i * 100 + k)::text), '') from generate_series(1, 100) k) as pad "
        "from generate_series(1, 10000) i",
    )
    for number, text in enumerate(TEXTS):
        one.write(
            "insert into notes values (%d, %s, -3, 12.50 + %d, 0.1, 1.5, '2024-03-01 23:30:00.123456+02', "
            "'2024-03-01 23:30:00.123456', '2024-02-29', true, array['a', null, 'ü'], '{\"a\": [1, null]}', "
            "'123e4567-e89b-12d3-a456-426614174000', '\\x00ff41', 'bad')"
            % (number, "null" if text is None else "'" + text.replace("'", "''") + "'", number)
        )
    yield one
    one.stop()


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory):
    one = server(MariaDB, tmp_path_factory)
    one.write(
        "create table notes (id bigint unsigned primary key, body text, small smallint, price decimal(12, 2), "
        "ratio double, tall float, at datetime(6), day date, ok boolean, y year, raw blob, "
        "how enum('good', 'bad'), doc json)",
        "create table large as select seq as id, concat('row ', seq, repeat(concat(' ', md5(seq)), 2)) as body, "
        "repeat(md5(seq), 100) as pad from seq_1_to_10000",
    )
    for number, text in enumerate(TEXTS):
        quoted = "null" if text is None else "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
        one.write(
            f"insert into notes values (18446744073709551610 + {number}, {quoted}, -3, 12.50 + {number}, 0.1, 1.5, "
            "'2024-03-01 23:30:00.123456', '2024-02-29', true, 2024, x'00ff41', 'bad', '{\"a\": 1}')"
        )
    yield one
    one.stop()


@needs_root
@needs_peers
def test_postgres_rows_and_types(postgres, tmp_path):
    out = tmp_path / "out.parquet"
    run(
        out,
        "--attach",
        f"postgres:{postgres.place}",
        "--query",
        "select * from notes order by id",
        "--column",
        "body",
        "--on-error",
        "null",
        **postgres.environment,
    )
    found = kept(out).drop(["error"])
    assert types(found) == {
        "id": "int64",
        "small": "int16",
        "price": "decimal128(12, 2)",
        "ratio": "double",
        "tall": "float",
        "at": "timestamp[us, tz=UTC]",
        "local": "timestamp[us]",
        "day": "date32[day]",
        "ok": "bool",
        "tags": "list<element: string>",
        "doc": "string",
        "code": "string",
        "raw": "binary",
        "how": "dictionary<values=string, indices=uint8, ordered=0>",
        "body": "string",
    }
    names = found.column_names
    expected = [dict(zip(names, row)) for row in postgres.read(f"select {', '.join(names)} from notes order by id")]
    got = found.to_pylist()
    for row in expected:
        row["code"] = str(row["code"])
    for row in got:
        row["doc"] = json.loads(row["doc"])
    assert got == expected


@needs_root
@needs_peers
def test_mariadb_rows_and_types(mariadb, tmp_path):
    out = tmp_path / "out.parquet"
    run(
        out,
        "--attach",
        f"mysql:{mariadb.place}",
        "--query",
        "select * from notes order by id",
        "--column",
        "body",
        "--on-error",
        "null",
        **mariadb.environment,
    )
    found = kept(out).drop(["error"])
    assert types(found) == {
        "id": "uint64",
        "small": "int16",
        "price": "decimal128(12, 2)",
        "ratio": "double",
        "tall": "float",
        "at": "timestamp[us]",
        "day": "date32[day]",
        "ok": "bool",
        "y": "int32",
        "raw": "binary",
        "how": "string",
        "doc": "binary",
        "body": "string",
    }
    names = found.column_names
    expected = [dict(zip(names, row)) for row in mariadb.read(f"select {', '.join(names)} from notes order by id")]
    for row in expected:
        row["ok"], row["doc"] = bool(row["ok"]), row["doc"].encode()
    assert found.to_pylist() == expected


@needs_root
@needs_peers
def test_a_url_names_a_server_too_and_several_are_joined(postgres, mariadb, tmp_path):
    out = tmp_path / "out.parquet"
    quoted = urllib.parse.quote(PASSWORD, safe="")
    run(
        out,
        "--attach",
        f"p=postgresql://writer:{quoted}@127.0.0.1:{postgres.port}/postgres",
        "--attach",
        f"m=mysql://writer:{quoted}@127.0.0.1:{mariadb.port}/news",
        "--column",
        "text",
        "--query",
        "select p.id, p.body || ' and ' || m.body as text from p.large p join m.large m using (id) "
        "where id <= 3 order by id",
    )
    assert rows(out)["text"].to_pylist()[1] == " and ".join(
        one.read("select body from large where id = 2")[0][0] for one in (postgres, mariadb)
    )


@needs_root
@needs_peers
def test_sql_of_the_servers_own_is_read(postgres, mariadb, tmp_path):
    for one, kind in ((postgres, "postgres"), (mariadb, "mysql")):
        out = tmp_path / f"{kind}.parquet"
        run(
            out,
            "--attach",
            f"x={kind}:{one.place}",
            "--column",
            "text",
            "--query",
            f"select * from {kind}_query('x', 'select upper(body) as text from large where id = 7')",
            **one.environment,
        )
        assert rows(out)["text"].to_pylist() == [one.read("select upper(body) from large where id = 7")[0][0]]


WRITES = {
    "postgres": [
        "create table w(a int)", "insert into notes(id, body) values (99, 'w')", "update notes set body = 'w'",
        "delete from notes", "drop table notes", "copy notes to '/srv/w'", "copy (select 1) to 'w.csv'",
        "with w as (insert into notes(id) values (99) returning id) select * from w",
        "select 'x' as text from postgres_execute('x', 'create table w(a int)')",
        "select 'x' as text from \"postgres_execute\"('x', 'create table w(a int)')",
        "select 'x' as text from x.main.postgres_execute('x', 'create table w(a int)')",
        "select 'x' as text from query('select * from postgres_ex' || 'ecute(''x'', ''create table w(a int)'')')",
        "select body as text from postgres_query('x', 'insert into notes(id, body) values (99, ''w'') returning body')",
        "select body as text from postgres_query('x', 'with w as (insert into notes(id, body) values (99, ''w'') "
        "returning body) select * from w')",
        "select rowcount::text as text from postgres_query('x', 'commit') union all "
        "select rowcount::text from postgres_query('x', 'create table w(a int)')",
        "select 'x' as text from postgres_query('x', 'select 1; commit; create table w(a int)', prepare=false)",
        "select 'x' as text from postgres_query('x', 'select 1; commit; create table w(a int)')",
        "select body as text from postgres_query('x', 'delete from notes returning body', use_transaction=false)",
        "select text from postgres_query('x', 'select nextval(''counter'')::text as text')",
        "set pg_pool_health_check_query = 'create table w(a int)'; select body as text from notes",
        "set variable v = (select count(*) from postgres_query('x', 'commit')); select body as text from notes",
        "select body as text /* /* */ ' */, x.* from notes, postgres_query('x', 'commit') x -- '",
        "call postgres_execute('x', 'create table w(a int)')", "pragma database_list", "install spatial",
        "detach x", "attach '{place}' as y (type postgres); select body as text from y.notes",
        "attach '{place}' as y (type postgres, read_only false); select body as text from y.notes",
    ],
    "mysql": [
        "create table w(a int)", "insert into notes(id, body) values (99, 'w')", "drop table notes",
        "select 'x' as text from mysql_execute('x', 'create table w(a int)')",
        "select 'x' as text from \"mysql_execute\"('x', 'create table w(a int)')",
        "select 'x' as text from query('select * from mysql_execute(''x'', ''create table w(a int)'')')",
        "select * from mysql_query('x', 'insert into notes(id, body) values (99, ''w'') returning body as text')",
        "select 'x' as text from mysql_query('x', 'commit') "
        "union all select 'y' from mysql_query('x', 'drop table notes')",
        "select 'x' as text from mysql_query('x', 'select 1', preliminary_queries=['drop table notes'])",
        "select text from mysql_query('x', 'select ''x'' as text into outfile ''/srv/w''')",
        "set mysql_enable_transactions = false; select body as text from notes",
    ],
}  # fmt: skip


def contents(one):
    tables = one.read(
        "select table_name from information_schema.tables where table_schema in ('public', 'news') order by 1"
    )
    return tables, one.read("select * from notes order by id"), sorted(path.name for path in one.folder.iterdir())


@needs_root
@needs_peers
@pytest.mark.parametrize("kind", WRITES)
def test_what_writes_is_refused(kind, postgres, mariadb, tmp_path):
    one = {"postgres": postgres, "mysql": mariadb}[kind]
    before = contents(one)
    for query in WRITES[kind]:
        done = subprocess.run(
            command(
                tmp_path / "out.parquet",
                "--attach",
                f"x={kind}:{one.place}",
                "--query",
                query.replace("{place}", one.place),
                "--column",
                "text",
            ),
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, **one.environment},
            timeout=60,
        )
        assert done.returncode in (2, 3) and done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1, (
            query,
            done,
        )
        assert [path.name for path in tmp_path.iterdir() if path.suffix != ".journal"] == [], query
    assert contents(one) == before
    if kind == "postgres":
        assert one.read("select last_value, is_called from counter") == [(1, False)]


@needs_root
@needs_peers
@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_a_server_that_goes_away_is_named_and_the_run_goes_on(kind, postgres, mariadb, tmp_path):
    one, out = {"postgres": postgres, "mysql": mariadb}[kind], tmp_path / "out.parquet"
    # The password stands in the command here, as careless users have it.
    quoted = urllib.parse.quote(PASSWORD, safe="")
    place = f"//writer:{quoted}@127.0.0.1:{one.port}/{'postgres' if kind == 'postgres' else 'news'}"
    flags = [
        "--attach",
        f"news={kind}:{place}",
        "--query",
        "select id, body, pad from large",
        "--column",
        "body",
        "--threads",
        "1",
    ]
    try:
        said = broken_off(start(out, *flags), out.with_name("out.parquet.journal"), one.stop)
    finally:
        one.start()
    assert "database 'news'" in said and said.count("\n") == 1, said
    for path in tmp_path.iterdir():
        assert PASSWORD.encode() not in path.read_bytes() and quoted.encode() not in path.read_bytes(), path
    found = goes_on(out, *flags[:-2])
    assert sorted(zip(*(found[name].to_pylist() for name in ("id", "body", "pad")))) == sorted(
        one.read("select id, body, pad from large")
    )
    assert PASSWORD.encode() not in out.read_bytes()


@needs_root
@needs_peers
def test_a_server_that_is_not_there_is_named(postgres, tmp_path):
    out = tmp_path / "out.parquet"
    for kind, words in (("postgres", "dbname=news"), ("mysql", "database=news")):
        done = run(out, "--attach", f"{kind}:host=127.0.0.1 port=1 user=a {words}", "--query", "select 1", status=6)
        assert "127.0.0.1" in done.stderr and done.stderr.count("\n") == 1, done.stderr
    place = f"postgres:host=127.0.0.1 port={postgres.port} user=writer dbname="
    done = run(out, "--attach", f"{place}postgres password=g3heim", "--query", "select 1", status=3)
    assert "authentication failed" in done.stderr and "g3heim" not in done.stderr
    done = run(out, "--attach", f"{place}nosuch", "--query", "select 1", status=6, **postgres.environment)
    assert "nosuch" in done.stderr


def test_files_of_sqlite_and_duckdb_are_attached_by_their_content(tmp_path):
    place = tmp_path / "notes.db"
    with sqlite3.connect(place) as connection:
        connection.execute("create table notes (id integer, body text)")
        connection.executemany("insert into notes values (?, ?)", enumerate(["one", "two", "短い"]))
    connection.close()
    out = tmp_path / "out.parquet"
    run(out, "--attach", place, "--query", "select * from notes order by id", "--column", "body")
    assert rows(out)["body"].to_pylist() == ["one", "two", "短い"]
    other = tmp_path / "more.db"
    duckdb(other, "-c", "create table more as select 1 as id, 'and more' as body")
    query = "select n.body || ' ' || m.body as text from notes.notes n join more.more m using (id)"
    run(out, "--force", "--attach", place, "--attach", other, "--query", query)
    assert rows(out)["text"].to_pylist() == ["two and more"]
    stored = place.read_bytes()
    for query in [
        "insert into notes values (9, 'w')",
        "select * from sqlite_query('notes', 'vacuum into ''w.db''')",
        "select * from sqlite_query('notes', 'insert into notes values (9, 9) returning body as text')",
    ]:
        run(tmp_path / "w.parquet", "--attach", place, "--query", query, status=2)
    assert place.read_bytes() == stored and sorted(p.name for p in tmp_path.iterdir()) == [
        "more.db",
        "notes.db",
        "out.parquet",
    ]
    missing = run(tmp_path / "w.parquet", "--attach", tmp_path / "nosuch.db", "--query", "select 1", status=2)
    assert "nosuch.db" in missing.stderr
    assert (
        "more.db"
        in run(tmp_path / "w.parquet", "--attach", f"sqlite:{other}", "--query", "select 1", status=2).stderr
    )
