#!/usr/bin/python3
"""run.py - every broken config and bundle: exit 1, one line that names the place, in time, nothing left."""
import os
import sys
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
import cases
from harness import *

SECONDS = 5.0


def refused(t, r, words=(), place=None):
    """What every bad input must give."""
    t.eq((r.rc, r.out), (1, ""), "rc and stdout; %s" % r)
    lines = r.err.splitlines()
    t.eq(len(lines), 1, "lines on stderr: %s" % r)
    t.ok(len(r.err) < 2000, "the message is %d bytes long" % len(r.err))
    t.ok(r.seconds < SECONDS, "took %.1f s" % r.seconds)
    message = (r.errors() or [""])[0]
    t.ok(message, "not a log line of level error: %s" % r)
    if is_husk():
        if place == "file":
            t.match(message, r"config\.json:\d+:\d+: ")
        elif place:
            t.has(message, "config.json:%d:%d: " % place)
        if words:
            t.ok(any(w in message for w in words), "none of %s in %r" % (list(words), message))


def check_agrees(t, bundle, words):
    """`husk check` finds the same without running anything."""
    if is_husk():
        r = t.rt("check", "--bundle", bundle.path)
        t.eq(r.rc, 1, "check: %s" % r)
        if words:
            t.ok(any(w in r.out + r.err for w in words), "check: none of %s in %s" % (list(words), r))


def config_case(name, text, words, place, check=True):
    def run(t):
        b = t.bundle(cases.base())
        write(b.path + "/config.json", text)
        b.before = None
        refused(t, t.run(b), words, place)
        if check:
            check_agrees(t, b, words)
    test(run, name=name.replace("\n", "\\n")[:100])


def generate():
    for pointer, values in cases.VALUES:
        for raw in values:
            text, line, column = cases.replaced(pointer, raw.encode())
            config_case("%s = %s" % (pointer, raw), text, [pointer + ":", pointer + "/"], (line, column))
    for at, pointer in enumerate(cases.TEXT_PLACES):
        for raw in cases.BAD_TEXT + (cases.MORE_BAD_TEXT if pointer == "/hostname" else []):
            text, line, _ = cases.replaced(pointer, raw)
            places = ["config.json:%d:" % n for n in (line, line + 1)]
            config_case("%s = %s" % (pointer, ascii(raw)), text, places,
                        "file")
    for pointer, words in cases.MISSING:
        config_case("without " + pointer, cases.without(pointer), words, "file")
    for name, where, key, value, words in cases.ADDED:
        # What only the kernel can tell has no place in the file, but still names the pointer.
        config_case(name, cases.added(where, key, value), words, None, check=False)
    for name, text, words in cases.duplicates():
        config_case("duplicate member " + name, text, words, "file")
    for name, text in cases.malformed():
        config_case("malformed, " + name, text, ["config.json:"], "file")
    for name, text, words in cases.huge():
        config_case(name, text, words, "file")


# bundles

def bundle_case(name, words):
    def register(prepare):
        def run(t):
            b = t.bundle(cases.base())
            prepare(t, b)
            b.before = None
            refused(t, t.run(b), words)
        test(run, name="bundle: " + name)
        return prepare
    return register


@bundle_case("no rootfs", ["/root/path"])
def no_rootfs(t, b):
    shutil.rmtree(b.rootfs)


@bundle_case("rootfs is a symlink", ["/root/path"])
def rootfs_symlink(t, b):
    os.rename(b.rootfs, b.path + "/real")
    os.symlink("real", b.rootfs)


@bundle_case("rootfs is a symlink to the host's root", ["/root/path"])
def rootfs_is_host(t, b):
    shutil.rmtree(b.rootfs)
    os.symlink("/", b.rootfs)


@bundle_case("rootfs is a file", ["/root/path"])
def rootfs_file(t, b):
    shutil.rmtree(b.rootfs)
    write(b.rootfs, "")


@bundle_case("rootfs is the host's root", ["/root/path"])
def rootfs_host(t, b):
    b.config["root"]["path"] = "/"
    b.save()


@bundle_case("config.json is missing", ["config.json"])
def no_config(t, b):
    os.unlink(b.path + "/config.json")


@bundle_case("config.json is a directory", ["config.json"])
def config_directory(t, b):
    os.unlink(b.path + "/config.json")
    os.mkdir(b.path + "/config.json")


@bundle_case("config.json is a fifo", ["config.json"])
def config_fifo(t, b):
    os.unlink(b.path + "/config.json")
    os.mkfifo(b.path + "/config.json")


@bundle_case("config.json never ends", ["config.json"])
def config_endless(t, b):
    os.unlink(b.path + "/config.json")
    os.symlink("/dev/zero", b.path + "/config.json")


@bundle_case("config.json is a symlink to nothing", ["config.json"])
def config_dangling(t, b):
    os.unlink(b.path + "/config.json")
    os.symlink("none", b.path + "/config.json")


def id_case(name):
    def run(t):
        b = t.bundle(cases.base())
        b.sealed()
        for command in ("run", "create"):
            refused(t, t.rt(command, "--bundle", b.path, "--", name), [ascii(name)[1:-1], name, "id"])
    test(run, name="id %s" % ascii(name)[:60])


for bad_id in ("", ".", "..", "a/b", "/a", "a/", "../a", "a/../b",
               "a b", "a\nb", "a\x01", "\u00e9", "a" * 5000, "a:b", "*"):
    id_case(bad_id)


@test
def the_base_config_itself_runs(t):
    """Else the other cases would be refused for a wrong reason."""
    if not is_husk():
        t.skip("older runtimes do not know all of its members")
    r = t.run(cases.base())
    t.eq((r.rc, r.out, r.err), (0, "", ""))


generate()
main()
