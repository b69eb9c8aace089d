"""The bench's images: dom0's, the guests', the kernel; and the appliance.

Thread: one.
Errors: CannotRun.
"""

import os
import pathlib
import shutil
import subprocess

import files
from cpio import Image
from packages import CannotRun

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = pathlib.Path(os.environ.get("NETDOM_BUILD", ROOT / "build"))

KERNEL = ["linux-image-amd64"]
TOOLS = ["xen-utils-4.17", "xen-hypervisor-4.17-amd64", "xenstore-utils",
         "busybox-static", "iproute2"]
QEMU = ["qemu-system-x86"]

GUEST_MODULES = ["xen-netfront", "xenfs"]
DOM0_MODULES = ["xen-privcmd", "xen-evtchn", "xen-gntdev", "xen-gntalloc",
                "xenfs", "xen-netback", "xen-pciback", "bridge"]
XEN_BIN = "usr/lib/xen-4.17/bin"
DOM0_PROGRAMS = {"xl": XEN_BIN + "/xl",
                 "xenstored": XEN_BIN + "/xenstored",
                 "xenconsoled": XEN_BIN + "/xenconsoled",
                 "xenconsole": XEN_BIN + "/xenconsole",
                 "xen-init-dom0": XEN_BIN + "/xen-init-dom0",
                 "libxl-save-helper": XEN_BIN + "/libxl-save-helper",
                 "xenstore": "usr/bin/xenstore"}
XENSTORE_TOOLS = ("read", "write", "list", "ls", "rm", "chmod", "watch",
                  "exists")


def ours(name):
    """A program of this project, built."""
    found = [path for path in BUILD.glob("**/" + name)
             if path.is_file() and os.access(path, os.X_OK)]
    if not found:
        raise CannotRun("%s is not built: run tools/setup" % name)
    return found[0]


def machines(name):
    """A program of the machine's, which tools/setup installs."""
    path = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not path:
        raise CannotRun("%s is not installed: run tools/setup --tests" % name)
    return path


def add_busybox(image, root):
    busybox = root / "bin/busybox"
    image.add_file("/bin/busybox", busybox)
    applets = subprocess.run([busybox, "--list"], text=True, check=True,
                             capture_output=True).stdout.split()
    for applet in applets:
        if applet != "busybox":
            image.add_link("/bin/" + applet, "busybox")


def add_common(image, root, modules):
    add_busybox(image, root)
    for folder in ("/proc", "/sys", "/dev", "/run", "/tmp"):
        image.add_folder(folder)
    image.add_node("/dev/console", 5, 1)
    files.add_modules(image, root, modules, "/etc/modules")


def guest(packages):
    root = packages.root
    image = Image()
    add_common(image, root, GUEST_MODULES)
    files.add_program(image, "/bin/agent", ours("netdom-xen-agent"))
    image.add_file("/init", HERE / "guest/init")
    return image


def find_xen(root, path):
    """Where a package of Xen's has a program."""
    name = pathlib.PurePosixPath(path).name
    for place in (root / path, *root.glob("usr/lib/xen-*/bin/" + name),
                  *root.glob("usr/lib/xen-*/**/" + name),
                  *root.glob("usr/*bin/" + name)):
        if place.is_file():
            return place
    raise CannotRun("no package has %s" % path)


def dom0(packages, images):
    root = packages.root
    image = Image()
    add_common(image, root, DOM0_MODULES)
    for name, path in DOM0_PROGRAMS.items():
        files.add_program(image, "/%s/%s" % (XEN_BIN, name),
                          find_xen(root, path), root)
    for name in XENSTORE_TOOLS:
        image.add_link("/%s/xenstore-%s" % (XEN_BIN, name), "xenstore")
    # xl is lost without it once a thread is to end.
    image.add_file("/%s/libgcc_s.so.1" % files.LIBRARIES,
                   "/lib/x86_64-linux-gnu/libgcc_s.so.1")
    for name in ("ovs-ofctl", "ovs-vsctl"):
        files.add_program(image, "/usr/bin/" + name, machines(name))
    files.add_program(image, "/usr/bin/netdom-relay", ours("netdom-relay"))
    image.add_file("/init", HERE / "dom0/init")
    for script in sorted((HERE / "dom0").glob("*.sh")):
        image.add_file("/scenario/" + script.name, script)
    for name in ("vmlinux", "guest.cpio", "appliance.cpio"):
        image.add_file("/images/" + name, images / name)
    image.add_bytes("/etc/xen/xl.conf", "autoballoon=\"off\"\n")
    return image


def make(packages, folder, tell):
    """Everything that a boot needs, in 'folder'."""
    folder.mkdir(parents=True, exist_ok=True)
    root = packages.root
    vmlinuz = sorted(root.glob("boot/vmlinuz-*"))[-1]
    if not (folder / "vmlinux").exists():
        tell("unpacking the kernel")
        files.unpack_kernel(vmlinuz, folder / "vmlinux")
    if not (folder / "xen").exists():
        xen = sorted(root.glob("boot/xen-4*.gz"))[-1]
        (folder / "xen").write_bytes(subprocess.run(
            ["gzip", "-dc", xen], check=True, capture_output=True).stdout)
    tell("making images")
    (folder / "guest.cpio").write_bytes(guest(packages).to_bytes())
    (folder / "appliance.cpio").write_bytes(
        appliance(packages).to_bytes())
    (folder / "dom0.cpio").write_bytes(dom0(packages, folder).to_bytes())


# The appliance.

APPLIANCE_MODULES = ["xen-gntdev", "xen-evtchn", "xen-gntalloc", "xenfs",
                     "tun"]
OVS_PROGRAMS = ("ovsdb-server", "ovsdb-tool", "ovs-vsctl")
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
DPDK_PLUGINS = ("librte_mempool_ring", "librte_bus_vdev", "librte_bus_pci",
                "librte_net_af_packet")


def add_plugins(image):
    """DPDK's drivers: the folder of plugins has links to what is loaded as
    libraries, since the same driver twice is one too many."""
    folders = sorted(pathlib.Path("/usr/lib/x86_64-linux-gnu/dpdk").glob(
        "pmds-*"))
    if not folders:
        raise CannotRun("DPDK is not installed: run tools/setup")
    for name in DPDK_PLUGINS:
        for plugin in sorted(folders[-1].glob(name + ".so.*")):
            library = "%s/%s" % (files.LIBRARIES, plugin.name)
            image.add_file(library, plugin.resolve())
            files.add_libraries(image, plugin.resolve())
            image.add_link("%s/%s" % (folders[-1], plugin.name),
                           "/" + library)


def appliance(packages):
    image = Image()
    for folder in ("/proc", "/sys", "/dev", "/run", "/tmp", "/var/log"):
        image.add_folder(folder)
    image.add_link("/var/run", "/run")
    image.add_node("/dev/console", 5, 1)
    files.add_modules(image, packages.root, APPLIANCE_MODULES,
                      "/etc/netdom/modules")
    files.add_program(image, "/init", ours("netdom-init"))
    files.add_program(image, "/usr/sbin/netdom-vswitchd",
                      ours("netdom-vswitchd"))
    files.add_program(image, "/usr/bin/netdom-relay", ours("netdom-relay"))
    for name in OVS_PROGRAMS:
        where = machines(name)
        files.add_program(image, "/usr/sbin/ovsdb-server"
                          if name == "ovsdb-server" else "/usr/bin/" + name,
                          where)
    add_plugins(image)
    image.add_file(SCHEMA, SCHEMA)
    return image
