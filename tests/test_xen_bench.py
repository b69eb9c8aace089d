#!/usr/bin/python3
"""The Xen bench's own parts, as far as they need no Xen: images, packages,
what is said on a console."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import tap

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests/xen"), str(ROOT / "tools")]

import boot                                                 # noqa: E402
from lab import appliance, cpio, debian, imagefiles         # noqa: E402
from lab.proof import CannotRun                             # noqa: E402


def entries(data):
    """A reader of newc: {path: (mode, bytes)}."""
    found, at = {}, 0
    while True:
        assert data[at:at + 6] == b"070701", data[at:at + 6]
        fields = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16)
                  for i in range(13)]
        name_bytes, file_bytes = fields[11], fields[6]
        name = data[at + 110:at + 110 + name_bytes - 1].decode()
        at += 110 + name_bytes
        at += -at % 4
        if name == cpio.TRAILER:
            return found
        found[name] = fields[1], data[at:at + file_bytes]
        at += file_bytes
        at += -at % 4


class Cpio(unittest.TestCase):
    def make(self):
        image = cpio.Image()
        image.add_bytes("/usr/bin/x", "hello", 0o755)
        image.add_link("/bin/y", "../usr/bin/x")
        image.add_node("/dev/console", 5, 1)
        image.add_folder("/proc")
        return image.to_bytes()

    def test_what_is_put_in_comes_out(self):
        found = entries(self.make())
        self.assertEqual(found["usr/bin/x"], (0o100755, b"hello"))
        self.assertEqual(found["bin/y"], (0o120777, b"../usr/bin/x"))
        self.assertEqual(found["dev/console"][0], 0o020600)
        for folder in ("usr", "usr/bin", "bin", "dev", "proc"):
            self.assertEqual(found[folder], (0o040755, b""))

    def test_the_same_bytes(self):
        self.assertEqual(self.make(), self.make())
        self.assertEqual(len(self.make()) % 4, 0)

    def test_folders_come_first(self):
        names = list(entries(self.make()))
        self.assertLess(names.index("usr/bin"), names.index("usr/bin/x"))


class Packages(unittest.TestCase):
    def test_first_of_alternatives(self):
        self.assertEqual(debian.first_depends(
            "qemu\n  Depends: liba\n |Depends: libb\n |Depends: libc\n"
            "  Depends: libd\n  Depends: <virtual>\n    libx\n"
            "  PreDepends: libe\n"), ["liba", "libb", "libe"])

    def test_no_mirror(self):
        held = debian.machine_mirrors
        debian.machine_mirrors = lambda: []
        try:
            with self.assertRaises(CannotRun):
                debian.source_list()
        finally:
            debian.machine_mirrors = held


class Files(unittest.TestCase):
    def test_libraries_of_a_program(self):
        found = imagefiles.needed("/bin/sh")
        self.assertIn("libc.so.6", found)

    def test_modules_in_order(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            kernel = root / "lib/modules/6.1/kernel"
            kernel.mkdir(parents=True)
            for name, needs in (("xen-front", "net_core,bus"),
                                ("net-core", "bus"), ("bus", "")):
                (kernel / (name + ".ko")).write_bytes(
                    b"\0depends=%s\0" % needs.encode())
            self.assertEqual([path.stem for path in imagefiles.modules(
                root, ["xen_front", "built-in"])],
                ["bus", "net-core", "xen-front"])


class Measurement(unittest.TestCase):
    def test_each_byte_counts(self):
        first = appliance.measurement(b"kernel", b"initramfs")
        self.assertEqual(first, appliance.measurement(b"kernel",
                                                      b"initramfs"))
        for other in ((b"kerneL", b"initramfs"), (b"kernel", b"initramfS"),
                      (b"kerneli", b"nitramfs")):
            self.assertNotEqual(first, appliance.measurement(*other))


class Domain(unittest.TestCase):
    """netdom-domain, without a Xen."""

    def run_it(self, *words):
        return subprocess.run([appliance.ours("netdom-domain"), *words],
                              capture_output=True, text=True, timeout=30)

    def files(self, folder):
        for name, data in (("kernel", b"k" * 70000), ("ramdisk", b"")):
            (pathlib.Path(folder) / name).write_bytes(data)
        return ["--%s=%s/%s" % (name, folder, name)
                for name in ("kernel", "ramdisk")]

    def test_measures_as_the_image_was(self):
        with tempfile.TemporaryDirectory() as folder:
            done = self.run_it("measure", *self.files(folder))
        self.assertEqual(done.stdout.strip(),
                         appliance.measurement(b"k" * 70000, b""))
        self.assertEqual(done.returncode, 0)

    def test_boots_nothing_else(self):
        with tempfile.TemporaryDirectory() as folder:
            done = self.run_it("create", "--name=x", "--measurement=" + "0" *
                               64, *self.files(folder))
        self.assertEqual(done.returncode, 1)
        self.assertIn("nothing was booted", done.stderr)

    def test_no_file(self):
        done = self.run_it("create", "--name=x", "--kernel=/nowhere",
                           "--ramdisk=/nowhere")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere: No such file", done.stderr)

    def test_no_sense(self):
        for words in ((), ("create",), ("destroy",), ("destroy", "--domid=0"),
                      ("destroy", "--domid=32752"),
                      ("destroy", "--domid=-1"), ("destroy", "--domid=1x"),
                      ("recreate", "--name=x", "--kernel=a", "--ramdisk=b"),
                      ("create", "--name=x", "--kernel=a", "--ramdisk=b",
                       "--domid=1"),
                      ("create", "--name=x", "--kernel=a", "--ramdisk=b",
                       "--memory-mib=0"),
                      ("measure", "--kernel=a"), ("x", "--domid=1")):
            done = self.run_it(*words)
            self.assertEqual((words, done.returncode), (words, 2))
        self.assertEqual(self.run_it("--help").returncode, 0)


class Boot(unittest.TestCase):
    def lines(self, script, seconds):
        import time
        child = subprocess.Popen(["sh", "-c", script],
                                 stdout=subprocess.PIPE)
        try:
            return list(boot.lines_of(child, time.monotonic() + seconds))
        finally:
            child.kill()
            child.wait()
            child.stdout.close()

    def test_lines(self):
        self.assertEqual(self.lines("printf 'a\\r\\nb\\377\\nrest'", 10),
                         ["a", "b\ufffd"])

    def test_its_time_is_over(self):
        self.assertEqual(self.lines("echo a; exec sleep 60", 0.7), ["a"])


if __name__ == "__main__":
    tap.run(Cpio, Packages, Files, Measurement, Boot)
