"""Run programs of a private root file system (script/root-fs) from within another one, as nobody or as oneself."""

import ctypes
import os
import subprocess

from program import REAL

CACHE = REAL.parent
NOBODY = 65534


def newest_root(section):
    """The root file system of a section of script/packages.txt, or None."""
    found = sorted(CACHE.glob(f"root-{section}-*"), key=lambda path: path.stat().st_mtime)
    return found[-1] if found else None


def _enter(root, work):
    """For preexec_fn: only calls of the system from here on. `work` is the root's /srv."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    bind, everything, private = 1 << 12, 1 << 12 | 1 << 14, 1 << 18 | 1 << 14
    steps = [
        (b"none", b"/", None, private),
        (os.fsencode(work), os.fsencode(root / "srv"), None, bind),
        (b"/dev", os.fsencode(root / "dev"), None, everything),
        (b"/proc", os.fsencode(root / "proc"), None, everything),
    ]

    if uid != 0:  # initdb asks who it is
        steps.append((b"/etc/passwd", os.fsencode(root / "etc/passwd"), None, bind))

    def enter():
        os.unshare(os.CLONE_NEWNS | (0 if uid == 0 else os.CLONE_NEWUSER))
        if uid != 0:
            for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
                with open(f"/proc/self/{name}", "w") as file:
                    file.write(text)
        for source, target, kind, flags in steps:
            if libc.mount(source, target, kind, ctypes.c_ulong(flags), None) != 0:
                raise OSError(ctypes.get_errno(), f"mount {target!r}")
        os.chroot(root)
        os.chdir("/")
        if uid == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        libc.prctl(1, 9)  # PR_SET_PDEATHSIG: no server outlives the tests

    return enter


def start(root, work, command, **options):
    """A process in the root, which sees the folder `work` as /srv; a server, for root, runs as nobody."""
    if os.getuid() == 0:
        os.chown(work, NOBODY, NOBODY)
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/srv", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    return subprocess.Popen(
        [*map(str, command)], env=environment, preexec_fn=_enter(root, work), stdin=subprocess.DEVNULL, **options
    )


def run(root, work, command):
    process = start(root, work, command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return said
