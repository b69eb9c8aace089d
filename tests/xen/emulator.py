"""QEMU, built from Debian's source with the patches in qemu/: what Debian has
does not run Xen's HVM domains.  Built once, in a few minutes.

Thread: one.
Errors: CannotRun.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess

from lab.proof import CannotRun

PATCHES = sorted(pathlib.Path(__file__).resolve().parent.glob(
    "qemu/*.patch"))
SUITE = "bookworm-backports"
# Libraries by name, since those that the machine has are not fetched.
NEEDS = ["libglib2.0-dev", "libglib2.0-0", "libpixman-1-dev",
         "libpixman-1-0", "zlib1g-dev", "zlib1g"]
CONFIGURE = ["--target-list=x86_64-softmmu", "--without-default-features",
             "--enable-system", "--enable-tcg", "--enable-pixman",
             "--enable-fdt"] + ["--disable-" + word for word in (
                 "kvm", "install-blobs", "docs", "tools", "guest-agent",
                 "werror", "debug-info")]
PROGRAM = "qemu-system-x86_64"


def identity(source):
    """Of what would be built."""
    text = source.name + repr(CONFIGURE)
    for patch in PATCHES:
        text += patch.read_text(encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()


def environment(root):
    """Tools and libraries out of 'root'."""
    return dict(os.environ,
                PYTHONPATH=str(root / "usr/lib/python3/dist-packages"),
                PATH="%s:%s" % (root / "usr/bin", os.environ["PATH"]),
                PKG_CONFIG_LIBDIR=str(
                    root / "usr/lib/x86_64-linux-gnu/pkgconfig"),
                PKG_CONFIG_SYSROOT_DIR=str(root))


def step(words, cwd, env, log):
    with open(log, "a", encoding="utf-8") as out:
        done = subprocess.run([str(word) for word in words], cwd=cwd, env=env,
                              stdin=subprocess.DEVNULL, stdout=out,
                              stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise CannotRun("%s failed; %s ends: %s" % (
            words[0], log, pathlib.Path(log).read_text(
                encoding="utf-8", errors="replace")[-800:]))


def build(packages, folder, tell):
    """Returns the emulator's path, below 'folder'."""
    source = packages.source("qemu", SUITE)
    program, built = folder / PROGRAM, folder / "built"
    wanted = identity(source)
    if program.exists() and built.exists() and built.read_text() == wanted:
        return program
    packages.fetch(NEEDS)
    packages.fetch(["meson"], SUITE)
    tell("building QEMU, which takes some minutes")
    shutil.rmtree(folder, ignore_errors=True)
    tree, made = folder / "source", folder / "build"
    tree.mkdir(parents=True)
    made.mkdir()
    env, log = environment(packages.root), folder / "log"
    step(["tar", "xf", source, "--strip-components=1"], tree, env, log)
    for patch in PATCHES:
        step(["patch", "-p1", "-i", patch], tree, env, log)
    step([tree / "configure", *CONFIGURE], made, env, log)
    step(["ninja", PROGRAM], made, env, log)
    shutil.copy(made / PROGRAM, program)
    for place in (tree, made):
        shutil.rmtree(place)
    built.write_text(wanted)
    return program
