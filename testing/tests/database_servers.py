"""Servers for tests, each on a port and in a folder of its own: PostgreSQL, MariaDB, S3 (moto), a web server."""

import functools
import http.server
import pathlib
import shutil
import signal
import socket
import threading
import time

import private_root

PASSWORD = "pa55 word'\\x"  # what connection strings have to quote


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class DatabaseServer:
    """A server of a root file system; stop() takes it away as a crash would, start() brings it back."""

    section = "databases"  # of script/packages.txt

    def __init__(self, folder):
        self.root, self.folder, self.port = private_root.newest_root(self.section), pathlib.Path(folder), free_port()
        self.process = None
        self.folder.chmod(0o755)

    def run(self, *command):
        return private_root.run(self.root, self.folder, command)

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = private_root.start(self.root, self.folder, self.command(), stdout=log, stderr=log)
        for _ in range(600):
            try:
                return self.connect().close()
            except Exception:
                assert self.process.poll() is None, (self.folder / "log").read_text(errors="replace")[-2000:]
                time.sleep(0.1)
        raise AssertionError("the server does not answer")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(self.end)
            self.process.wait(60)

    def write(self, *statements):
        connection = self.connect()
        try:
            for statement in statements:
                connection.cursor().execute(statement)
            connection.commit()
        finally:
            connection.close()

    def read(self, query):
        connection = self.connect()
        try:
            cursor = connection.cursor()
            cursor.execute(query)
            return list(cursor.fetchall())
        finally:
            connection.close()


class Postgres(DatabaseServer):
    end = signal.SIGQUIT  # "immediate shutdown": its processes end at once, and the next start recovers

    def __init__(self, folder):
        super().__init__(folder)
        (self.folder / "password").write_text(PASSWORD)
        programs = sorted((self.root / "usr/lib/postgresql").glob("*/bin"))[-1]
        self.programs = "/" / programs.relative_to(self.root)
        self.run(
            self.programs / "initdb",
            "-D",
            "/srv/data",
            "-U",
            "writer",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--auth=scram-sha-256",
            "--pwfile=/srv/password",
            "--no-sync",
        )

    def command(self):
        return [
            self.programs / "postgres",
            "-D",
            "/srv/data",
            "-p",
            self.port,
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories=/srv",
            "-c",
            "fsync=off",
        ]

    def connect(self):
        import psycopg

        return psycopg.connect(host="127.0.0.1", port=self.port, user="writer", password=PASSWORD, dbname="postgres")

    @property
    def place(self):
        return f"host=127.0.0.1 port={self.port} user=writer dbname=postgres"

    @property
    def environment(self):
        return {"PGPASSWORD": PASSWORD}


class MariaDB(DatabaseServer):
    end = signal.SIGKILL

    def __init__(self, folder):
        super().__init__(folder)
        quoted = PASSWORD.replace("\\", "\\\\").replace("'", "\\'")
        (self.folder / "users.sql").write_text(
            "create database if not exists news character set utf8mb4;\n"
            f"create user if not exists writer@'127.0.0.1' identified by '{quoted}';\n"
            "grant all on *.* to writer@'127.0.0.1';\n"
        )
        self.run(
            "mariadb-install-db",
            "--no-defaults",
            "--datadir=/srv/data",
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
        )

    def command(self):
        return [
            "mariadbd",
            "--no-defaults",
            "--datadir=/srv/data",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            "--socket=/srv/socket",
            "--innodb-flush-log-at-trx-commit=0",
            "--skip-name-resolve",
            "--init-file=/srv/users.sql",
        ]

    def connect(self):
        import pymysql

        return pymysql.connect(
            host="127.0.0.1", port=self.port, user="writer", password=PASSWORD, database="news", charset="utf8mb4"
        )

    @property
    def place(self):
        return f"host=127.0.0.1 port={self.port} user=writer database=news"

    @property
    def environment(self):
        return {"MYSQL_PWD": PASSWORD}


class WebServer:
    """Serves a folder with ranges. break_after: the line dies after so many bytes. status: the answer, not files."""

    def __init__(self, folder):
        self.folder, self.requests, self.headers = pathlib.Path(folder), [], []
        self.break_after, self.status = None, None
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, self))
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, owner, *arguments):
        self.owner = owner
        super().__init__(*arguments)

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        self.owner.requests.append((self.command, self.path, self.headers.get("Range")))
        self.owner.headers.append(self.headers)
        path = self.owner.folder / self.path.split("?")[0].lstrip("/")
        if self.owner.status or not path.is_file():
            self.send_error(self.owner.status or 404)
            return
        size = path.stat().st_size
        first, last, status = 0, size - 1, 200
        if asked := self.headers.get("Range", "").removeprefix("bytes="):
            begin, _, end = asked.partition("-")
            first, last, status = int(begin), min(int(end or size), size - 1), 206
        self.send_response(status)
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Last-Modified", self.date_time_string(int(path.stat().st_mtime)))
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        if self.command == "HEAD":
            return
        with open(path, "rb") as file:
            file.seek(first)
            body = file.read(last - first + 1)
        limit = self.owner.break_after
        self.wfile.write(body if limit is None else body[:limit])
        if limit is not None and limit < len(body):
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
