#!/usr/bin/python3
"""Fails if a room includes what it may not.

usage: test_rooms.py [QOS-LIBRARY]

With the compiled library of qos/ also what it calls is held against a list.
The checks are in rooms.py; here they meet this tree, and trees made to be
wrong."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import rooms
import tap

ROOT = pathlib.Path(__file__).resolve().parent.parent
QOS_LIBRARY = None

MESON = "".join("subdir('%s')\n" % room for room in rooms.SUBDIRS)


class ThisTree(unittest.TestCase):
    def none(self, complaints):
        if complaints:
            self.fail("\n".join(complaints))

    def test_includes(self):
        self.none(rooms.check_includes(ROOT))

    def test_every_room_is_read(self):
        for room in ("qos", "xenlocal", "datapath", "netdom", "tenants",
                     "tools", "tests"):
            files = list(rooms.sources(ROOT, [room]))
            self.assertTrue(files, "no C file in %s/" % room)

    def test_qos_calls_nothing_impure(self):
        self.none(rooms.check_qos_words(ROOT))

    def test_qos_library_needs_nothing_impure(self):
        if QOS_LIBRARY is None:
            self.skipTest("no library of qos given")
        self.none(rooms.check_qos_symbols(QOS_LIBRARY))

    def test_order_in_meson(self):
        self.none(rooms.check_meson_order(ROOT))


class WrongTree(unittest.TestCase):
    """What must be found, in a tree that holds nothing else."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="netdom-rooms-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("meson.build", MESON)

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def includes(self, path, *arguments):
        self.write(path, "".join("#include %s\n" % argument
                                 for argument in arguments))
        return rooms.check_includes(self.root)

    def refused(self, path, argument, hint, before=()):
        complaints = self.includes(path, *before, argument)
        self.assertEqual(len(complaints), 1, complaints)
        self.assertIn(path, complaints[0])
        self.assertIn(hint, complaints[0])
        (self.root / path).unlink()

    def test_clean(self):
        self.write("datapath/a.h", "")
        self.assertEqual(self.includes(
            "datapath/a.c", "<config.h>", '"datapath/a.h"', "<stdint.h>",
            "<rte_mbuf.h>", "<xen/io/netif.h>", '"netdev-provider.h"',
            '"openvswitch/vlog.h"', '"qos/profile.h"',
            '"xenlocal/xenlocal.h"'), [])
        self.assertEqual(rooms.check_meson_order(self.root), [])
        self.assertEqual(rooms.check_qos_words(self.root), [])

    def test_rooms_below_may_not_look_up(self):
        for room, other in [
                ("qos", "datapath"), ("qos", "xenlocal"),
                ("xenlocal", "qos"), ("datapath", "netdom"),
                ("datapath", "tenants"), ("datapath", "tools"),
                ("datapath", "ovsdb-schema"), ("netdom", "tenants"),
                ("netdom", "ovsdb-schema"), ("tenants", "datapath"),
                ("tenants", "netdom"), ("tenants", "tools")]:
            self.refused(room + "/a.c", '"%s/b.h"' % other,
                         "may not include room " + other)

    def test_tools_are_rooms_of_their_own(self):
        for path, argument, hint in [
                ("tools/ctl/a.c", '"tools/guest/b.h"', "room tools/guest"),
                ("tools/ctl/a.c", '"tenants/b.h"', "room tenants"),
                ("tools/guest/a.c", '"datapath/b.h"', "room datapath"),
                ("tools/new/a.c", '"netdom/b.h"', "room netdom")]:
            self.refused(path, argument, "may not include " + hint)

    def test_nobody_includes_tests(self):
        for room in rooms.SUBDIRS[:-1]:
            self.refused(room + "/a.c", '"tests/unit/b.h"',
                         "may not include room tests")

    def test_foreign_headers(self):
        for path, argument, hint in [
                ("qos/a.c", "<rte_meter.h>", "dpdk"),
                ("qos/a.h", "<time.h>", "posix"),
                ("qos/a.c", "<sys/time.h>", "posix"),
                ("qos/a.c", "<xen/xen.h>", "xen"),
                ("xenlocal/a.c", "<xenstore.h>", "xenstore"),
                ("datapath/a.c", "<xenstore.h>", "xenstore"),
                ("datapath/a.c", "<netlink/route/link.h>", "libnl"),
                ("netdom/a.c", "<rte_ethdev.h>", "dpdk"),
                ("tenants/a.c", "<rte_eal.h>", "dpdk"),
                ("tenants/a.c", "<xen/io/netif.h>", "xen"),
                ("tools/ctl/a.c", "<xenstore.h>", "xenstore"),
                ("tools/guest/a.c", "<rte_mbuf.h>", "dpdk"),
                ("tools/bench/a.c", "<libxl.h>", "libxl"),
                ("datapath/a.c", "<cmocka.h>", "test")]:
            self.refused(path, argument, "may not include %s headers" % hint)

    def test_open_vswitch(self):
        complaints = self.includes("qos/a.c", '"util.h"')
        self.assertIn("may not include ovs headers", complaints[0])

    def test_switch_headers_stay_in_the_switch(self):
        for room in ("tenants", "tools/ctl"):
            for header in ("bridge.h", "netdev.h", "dpif-netdev.h"):
                self.refused(room + "/a.c", '"%s"' % header,
                             "may not include ovs-switch headers",
                             before=["<config.h>"])

    def test_form(self):
        self.write("netdom/b.h", "")
        for argument, hint in [
                ('"../qos/profile.h"', "name the room"),
                ('"netdom/../qos/profile.h"', "name the room"),
                ('"/usr/include/stdio.h"', "name the room"),
                ('"b.h"', 'name its room: "netdom/b.h"'),
                ("<qos/profile.h>", "quote headers of the project"),
                ("HEADER", "not by a macro"),
                ('"netdom/b.c"', "headers only"),
                ("<frobnicate.h>", "unknown header")]:
            self.refused("netdom/a.h", argument, hint)

    def test_odd_spelling_is_seen(self):
        for line in ('  #  include   "netdom/b.h"',
                     '#include"netdom/b.h"',
                     '#include "netdom/b.h" /* why */',
                     '#include "netdom/b.h" // why'):
            self.write("qos/a.c", line + "\n")
            self.assertEqual(len(rooms.check_includes(self.root)), 1, line)

    def test_config_first(self):
        complaints = self.includes("netdom/a.c", "<errno.h>", "<config.h>",
                                   '"util.h"')
        self.assertEqual(len(complaints), 1)
        self.assertIn("<config.h> comes first", complaints[0])

    def test_qos_words(self):
        for line in ("x = malloc(5);", "/* like malloc() */", "free(x);",
                     "clock_gettime(0, &t);", "t = time (NULL);",
                     "rte_rdtsc();", "__rdtsc();"):
            self.write("qos/a.c", line + "\n")
            self.assertTrue(rooms.check_qos_words(self.root), line)
        for line in ("/* time() passes */", 'x = "free(";', "lifetime(x);"):
            self.write("qos/a.c", line + "\n")
            self.assertEqual(rooms.check_qos_words(self.root), [], line)

    def test_qos_symbols(self):
        source = self.root / "a.c"
        library = self.root / "a.o"
        source.write_text("long time(long *);\nlong f(void);\n"
                          "long f(void) { return time(0); }\n")
        subprocess.run(["gcc", "-c", "-o", library, source], check=True)
        complaints = rooms.check_qos_symbols(library)
        self.assertEqual(len(complaints), 1)
        self.assertIn("calls no time", complaints[0])

    def test_meson_order(self):
        for wrong, hint in [
                (MESON.replace("subdir('qos')\n", ""), "no subdir('qos')"),
                (MESON.replace("subdir('qos')\n", "")
                 + "subdir('qos')\n", "'datapath' needs 'qos' above it"),
                ("subdir('netdom')\n" + MESON.replace(
                    "subdir('netdom')\n", ""),
                 "'netdom' needs 'datapath' above it")]:
            self.write("meson.build", wrong)
            self.assertIn(hint, "\n".join(
                rooms.check_meson_order(self.root)))


if __name__ == "__main__":
    if len(sys.argv) > 2 or sys.argv[1:] in (["-h"], ["--help"]):
        print(__doc__)
        sys.exit(0 if len(sys.argv) == 2 else 2)
    QOS_LIBRARY = sys.argv[1] if len(sys.argv) == 2 else None
    tap.run(ThisTree, WrongTree)
