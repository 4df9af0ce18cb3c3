"""The program in a pseudo-terminal, as a person has it."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import termios
import time

from program import CLI


class Terminal:
    """words: of the program's command line. shown: what came since the last until() that was true, without colours
    and what moves the cursor."""

    def __init__(self, *words, columns=200):
        pid, self.fd = pty.fork()
        if pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(CLI, [CLI, *map(str, words)])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        self.pid, self.raw, self.shown, self.status = pid, b"", "", None

    def read(self, seconds):
        """False: it has ended."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            self.raw += os.read(self.fd, 65536)
        except OSError:
            return False
        whole = self.raw[
            : len(self.raw) - len(re.search(rb"(\x1b\[?[0-9;?]*|[\xc0-\xff][\x80-\xbf]*)?$", self.raw)[0])
        ]
        self.raw = self.raw[len(whole) :]
        self.shown += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", whole.decode(errors="replace"))
        return True

    def until(self, pattern, seconds=60):
        """Waits for it, and takes what came up to its end away."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.shown)):
            assert time.monotonic() < end, f"no {pattern!r} in {self.shown!r}"
            assert self.read(0.2), f"it ended without {pattern!r}: {self.shown!r}"
        before, self.shown = self.shown[: found.end()], self.shown[found.end() :]
        return before

    def object(self):
        """The next JSON object in one line. What asked for the last answer may be printed after its echo, before it."""
        line = self.until(r"\{.*\}\r\n")
        return json.loads(re.search(r"\{.*\}(?=\r\n)", line).group())

    def stays_silent(self, pattern, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(0.1)
        assert not re.search(pattern, self.shown), self.shown

    def type(self, text):
        os.write(self.fd, text.encode())

    def ended(self, seconds=60):
        """Its exit status."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(0.1)
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                os.close(self.fd)
                self.status = os.waitstatus_to_exitcode(status)
                return self.status
        raise AssertionError(f"it goes on: {self.shown!r}")

    def hang_up(self):
        os.close(self.fd)
        self.fd = os.open(os.devnull, os.O_RDONLY)

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)
