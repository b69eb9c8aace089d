"""Who may include whom: the design's arrow between rooms, as a table and a
check over a source tree.  tests/test_rooms.py runs it."""

import fnmatch
import pathlib
import re
import subprocess

# Foreign headers by family; the first pattern that fits decides.
FAMILIES = [
    ("c", ["ctype.h", "inttypes.h", "limits.h", "math.h", "stdalign.h",
           "stdarg.h", "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h",
           "stdio.h", "stdlib.h", "string.h"]),
    ("ovs", ["config.h", "openvswitch/*"]),
    ("dpdk", ["rte_*", "ethdev_*", "bus_*_driver.h"]),
    ("xenstore", ["xenstore.h", "xenstore_lib.h"]),
    ("xen", ["xen/*", "xengnttab.h", "xenevtchn.h"]),
    ("libxl", ["libxl*", "libxenvchan.h", "xenctrl.h"]),
    ("libnl", ["netlink/*"]),
    ("pcap", ["pcap.h", "pcap/*"]),
    ("json", ["jansson.h"]),
    ("http", ["microhttpd.h"]),
    ("crypto", ["openssl/*"]),
    ("sandbox", ["seccomp.h", "cap-ng.h"]),
    ("test", ["cmocka.h"]),
    ("posix", ["arpa/*", "linux/*", "net/*", "netinet/*", "sys/*",
               "assert.h", "cpuid.h", "dirent.h", "errno.h", "fcntl.h",
               "ftw.h", "getopt.h", "grp.h", "ifaddrs.h", "immintrin.h",
               "libgen.h", "poll.h", "pthread.h", "pwd.h", "sched.h",
               "setjmp.h", "signal.h", "spawn.h", "strings.h", "syslog.h",
               "time.h", "unistd.h", "x86intrin.h"]),
]

# Of Open vSwitch's own headers, which carry no folder, those that belong to
# a switch; the others are its client libraries.
SWITCH_HEADERS = ["bridge.h", "conntrack*", "ct-dpif.h", "dp-packet.h",
                  "dpctl.h", "dpdk*", "dpif*", "dummy.h", "mac-learning.h",
                  "netdev*", "odp-*", "ofproto*", "ovs-router.h", "tnl-*",
                  "tunnel.h", "vport*"]

CLIENT = {"c", "posix", "ovs"}

# Room: the rooms and the families that its files may include.  A folder in
# tools/ is one program and a room of its own.
TABLE = {
    "qos": (set(), {"c"}),
    "xenlocal": (set(), {"c", "posix"}),
    "ovsdb-schema": (set(), set()),
    "datapath": ({"qos", "xenlocal"},
                 {"c", "posix", "dpdk", "ovs", "ovs-switch", "xen"}),
    "netdom": ({"datapath", "qos", "xenlocal"},
               {"c", "posix", "ovs", "ovs-switch", "xenstore", "sandbox"}),
    "appliance": (set(), {"c", "posix", "libxl", "xenstore", "crypto"}),
    "tenants": ({"qos", "xenlocal", "ovsdb-schema"},
                CLIENT | {"libnl", "xenstore", "libxl", "sandbox"}),
    "tools/ctl": ({"qos", "ovsdb-schema"}, CLIENT),
    "tools/xenlocald": ({"xenlocal"}, CLIENT | {"xen", "xenstore"}),
    "tools/guest": ({"qos", "xenlocal"}, CLIENT | {"xen", "xenstore"}),
    "tools/bench": ({"qos", "xenlocal"}, CLIENT | {"dpdk", "pcap", "json"}),
    "tools": ({"qos", "xenlocal"}, CLIENT),
    "tests": ({"qos", "xenlocal", "ovsdb-schema", "datapath", "netdom",
               "tenants", "tools"},
              {name for name, _ in FAMILIES} | {"ovs-switch"}),
}

# Single files that may include more, and why.
EXCEPTIONS = {
    # Defines one function of netdev-dpdk.h, so that the linker leaves all of
    # the switch out of programs that only are clients.
    "build-aux/no_dpdk.c": {"ovs-switch"},
}

SUBDIRS = ["qos", "xenlocal", "ovsdb-schema", "datapath", "netdom",
           "appliance",
           "tenants", "tools", "tests"]

# What the qos room may call; all else is a clock, memory or the outside.
QOS_SYMBOLS = re.compile(
    r"^(qos_\w+|mem(cmp|cpy|move|set|chr)|str\w+|v?snprintf|__\w+_chk"
    r"|__stack_chk_fail|__u?(div|mod|mul)\w*ti\d|_GLOBAL_OFFSET_TABLE_"
    r"|__(asan|ubsan|sanitizer|gcov|llvm)_\w+|__isoc\w+)$")
QOS_WORDS = re.compile(
    r"\b(malloc|calloc|realloc|free|time|gettimeofday|clock_gettime|clock"
    r"|rte_\w+|ovs_\w+|xen\w+|xs_\w+|__rdtsc|__builtin_ia32_rdtsc\w*"
    r"|usleep|nanosleep|fopen|open|read|write|socket)\s*\(")

INCLUDE = re.compile(r'^\s*#\s*include\s*(.*?)\s*(?:/[/*].*)?$')
NAMED = re.compile(r'^(?:"([^"]+)"|<([^>]+)>)$')


def room_of(path):
    """The room of a source file, given relative to the tree's root."""
    parts = pathlib.PurePosixPath(path).parts
    if parts[0] == "tools" and len(parts) > 2:
        room = "tools/" + parts[1]
        return room if room in TABLE else "tools"
    return parts[0]


def family_of(header, quoted):
    """The family of a foreign header, or None if nobody knows it."""
    for family, patterns in FAMILIES:
        if any(fnmatch.fnmatch(header, pattern) for pattern in patterns):
            return family
    if quoted and "/" not in header:
        if any(fnmatch.fnmatch(header, p) for p in SWITCH_HEADERS):
            return "ovs-switch"
        return "ovs"
    return None


def includes_of(file):
    """Yields (line number, argument) of each #include directive."""
    for number, line in enumerate(
            file.read_text(errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1)


def judge(root, path, argument):
    """Says what is wrong with '#include argument' in 'path', or None."""
    match = NAMED.match(argument)
    if not match:
        return "include a header by its name, not by a macro"
    header, quoted = match.group(1) or match.group(2), bool(match.group(1))
    if not header.endswith(".h"):
        return "include headers only"
    if ".." in header.split("/") or header.startswith("/"):
        return "name the room instead of a path"

    room = room_of(path)
    rooms, families = TABLE[room]
    first = header.split("/")[0]
    if "/" in header and first in SUBDIRS:
        if not quoted:
            return "quote headers of the project"
        target = room_of(header)
        allowed = (target == room or target in rooms
                   or target.split("/")[0] in rooms)
        return None if allowed else "room %s may not include room %s" % (
            room, target)
    if quoted and "/" not in header and (root / path).with_name(
            header).exists():
        return 'name its room: "%s/%s"' % (
            pathlib.PurePosixPath(path).parent, header)

    family = family_of(header, quoted)
    if family is None:
        return "unknown header: give it a family in tests/rooms.py"
    if family not in families | EXCEPTIONS.get(path, set()):
        return "room %s may not include %s headers" % (room, family)
    return None


def config_first(arguments):
    """Says whether <config.h> comes first if anything of OVS is included."""
    uses = False
    for argument in arguments:
        match = NAMED.match(argument)
        if match:
            uses |= (family_of(match.group(1) or match.group(2),
                               bool(match.group(1)))
                     in ("ovs", "ovs-switch"))
    return not uses or arguments[0] == "<config.h>"


def sources(root, rooms):
    for room in rooms:
        for file in sorted((root / room).rglob("*.[ch]")):
            yield file, file.relative_to(root).as_posix()


def check_includes(root):
    """Returns a list of complaints, 'path:line: what'."""
    complaints = []
    for file, path in sources(root, SUBDIRS):
        found = list(includes_of(file))
        for number, argument in found:
            wrong = judge(root, path, argument)
            if wrong:
                complaints.append("%s:%d: %s: %s" % (
                    path, number, argument, wrong))
        if path.endswith(".c") and not config_first(
                [argument for _, argument in found]):
            complaints.append("%s: uses Open vSwitch, so <config.h> comes "
                              "first" % path)
    return complaints


def strip_comments(text):
    """'text' without comments and string contents, line for line."""
    token = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)
    return token.sub(
        lambda m: '""' if m.group().startswith('"')
        else "\n" * m.group().count("\n"), text)


def check_qos_words(root):
    """Returns complaints about what qos calls by name."""
    complaints = []
    for file, path in sources(root, ["qos"]):
        text = file.read_text()
        if "malloc(" in text:
            complaints.append("%s: speaks of malloc" % path)
        for number, line in enumerate(
                strip_comments(text).splitlines(), 1):
            match = QOS_WORDS.search(line)
            if match:
                complaints.append("%s:%d: qos is pure and calls no %s" % (
                    path, number, match.group(1)))
    return complaints


def check_qos_symbols(library):
    """Returns complaints about what the compiled qos room leaves to others
    to define."""
    lines = subprocess.run(["nm", "--undefined-only", "--just-symbols",
                            str(library)], check=True, text=True,
                           capture_output=True).stdout.splitlines()
    names = [line.strip() for line in lines
             if line.strip() and not line.endswith(":")]
    return ["%s: qos is pure and calls no %s" % (library, name)
            for name in names if not QOS_SYMBOLS.match(name)]


def check_meson_order(root):
    """Returns complaints about the order of rooms in meson.build."""
    found = re.findall(r"^subdir\('([^']+)'\)",
                       (root / "meson.build").read_text(), re.M)
    rooms = [name for name in found if name in SUBDIRS]
    complaints = ["meson.build: no subdir('%s')" % room
                  for room in SUBDIRS if room not in rooms]
    for position, room in enumerate(rooms):
        needs = set().union(*(TABLE[name][0] for name in TABLE
                              if name.split("/")[0] == room)) - {room}
        complaints += ["meson.build: '%s' needs '%s' above it" % (room, need)
                       for need in sorted(needs - set(rooms[:position]))]
    return complaints
