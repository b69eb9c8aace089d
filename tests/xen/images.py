"""The bench's images: dom0's, the guests', the appliance's, the kernel.

Thread: one.
Errors: CannotRun.
"""

import pathlib
import subprocess

from lab import appliance, imagefiles
from lab.appliance import machines, ours
from lab.cpio import Image
from lab.proof import CannotRun

import store

HERE = pathlib.Path(__file__).resolve().parent

TOOLS = ["xen-utils-4.17", "xen-utils-common", "xen-hypervisor-4.17-amd64",
         "xenstore-utils", "busybox-static"]
# What Xen's toolstack needs to run HVM domains.
HVM_TOOLS = ["qemu-system-xen", "qemu-system-data", "seabios"]
DEVICE_MODEL = "usr/libexec/xen-qemu-system-i386"
FIRMWARE = ("usr/lib/xen-4.17/boot/hvmloader",
            "usr/share/seabios/bios-256k.bin",
            *("usr/share/qemu/" + name for name in (
                "linuxboot.bin", "linuxboot_dma.bin", "multiboot.bin",
                "multiboot_dma.bin", "pvh.bin", "kvmvapic.bin")))
QEMU = ["qemu-system-x86", "qemu-system-common", "qemu-system-data",
        "seabios"]

SCHEMA = HERE.parent.parent / "ovsdb-schema/netdom.ovsschema"
GUEST_MODULES = ["xen-netfront", "xenfs"]
DOM0_MODULES = ["xen-privcmd", "xen-evtchn", "xen-gntdev", "xen-gntalloc",
                "xenfs", "xen-netback", "xen-pciback", "bridge", "igb"]
PLAIN_MODULES = ["igb", "vfio-pci", "vfio_iommu_type1", "tun", "veth"]
XEN_BIN = "usr/lib/xen-4.17/bin"
DOM0_PROGRAMS = {"xl": XEN_BIN + "/xl",
                 "xenstored": XEN_BIN + "/xenstored",
                 "xenconsoled": XEN_BIN + "/xenconsoled",
                 "xenconsole": XEN_BIN + "/xenconsole",
                 "lsevtchn": XEN_BIN + "/lsevtchn",
                 "xentrace": XEN_BIN + "/xentrace",
                 "xen-init-dom0": XEN_BIN + "/xen-init-dom0",
                 "libxl-save-helper": XEN_BIN + "/libxl-save-helper",
                 "xenstore": "usr/bin/xenstore"}
XENSTORE_TOOLS = ("read", "write", "list", "ls", "rm", "chmod", "watch",
                  "exists")


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
    imagefiles.add_modules(image, root, modules, "/etc/modules")


def add_expected(image, expected, who):
    for (of, seed), text in sorted(expected.items()):
        if of == who:
            image.add_bytes("/expected/%s-%d" % (of, seed), text)


def guest(packages, expected):
    root = packages.root
    image = Image()
    add_common(image, root, GUEST_MODULES)
    imagefiles.add_program(image, "/bin/agent", ours("netdom-xen-agent"))
    for name in ("stream", "flood"):
        imagefiles.add_program(image, "/bin/" + name,
                               ours("netdom-xen-" + name))
    imagefiles.add_program(image, "/bin/storeops",
                           ours("netdom-xen-storeops"))
    add_expected(image, expected, "guest")
    image.add_file("/init", HERE / "guest/init")
    for name in ("reboot", "poweroff"):     # The kernel runs them.
        image.add_file("/sbin/" + name, HERE / "guest" / name)
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


def dom0(packages, images, expected):
    root = packages.root
    image = Image()
    add_common(image, root, DOM0_MODULES)
    for name, path in DOM0_PROGRAMS.items():
        imagefiles.add_program(image, "/%s/%s" % (XEN_BIN, name),
                               find_xen(root, path), root)
    for name in XENSTORE_TOOLS:
        image.add_link("/%s/xenstore-%s" % (XEN_BIN, name), "xenstore")
    # xl is lost without it once a thread is to end.
    image.add_file("/%s/libgcc_s.so.1" % imagefiles.LIBRARIES,
                   "/lib/x86_64-linux-gnu/libgcc_s.so.1")
    for name in ("ovs-ofctl", "ovs-vsctl", "ovs-appctl", "ovsdb-tool",
                 "ovsdb-server", "ip"):
        imagefiles.add_program(image, "/usr/bin/" + name, machines(name))
    for name in ("netdom-relay", "netdom-domain", "netdom-controller",
                 "netdom-ctl", "netdom-xen-storeops",
                 "netdom-xen-hypercalls"):
        imagefiles.add_program(image, "/usr/bin/" + name, ours(name))
    # Where the controller looks for it, whatever its PATH.
    imagefiles.add_program(image, "/usr/bin/socat", machines("socat"))
    image.add_file("/usr/share/netdom/netdom.ovsschema", SCHEMA)
    add_expected(image, expected, "dom0")
    image.add_file("/expected/frontend", HERE / "frontend.keys")
    image.add_bytes("/etc/store.sh", "SEEDS=\"%s\" OPERATIONS=%d\n" % (
        " ".join(map(str, store.SEEDS)), store.OPERATIONS))
    image.add_folder("/var/log")
    image.add_link("/var/run", "/run")
    image.add_file("/init", HERE / "dom0/init")
    for script in sorted((HERE / "dom0").glob("*.sh")):
        image.add_file("/scenario/" + script.name, script)
    for name in ("vmlinux", "guest.cpio", "appliance.cpio"):
        image.add_file("/images/" + name, images / name)
    image.add_bytes("/images/measurement", appliance.measurement(
        (images / "vmlinux").read_bytes(),
        (images / "appliance.cpio").read_bytes()))
    image.add_bytes("/etc/xen/xl.conf", "autoballoon=\"off\"\n")
    image.add_file("/etc/xen/scripts/up", HERE / "dom0/up")
    return image


def add_hvm(image, root, made):
    """What a dom0 needs for HVM domains, and the appliance as it is
    delivered, in 'made'."""
    imagefiles.add_program(image, "/" + DEVICE_MODEL, root / DEVICE_MODEL,
                           root)
    for path in FIRMWARE:
        image.add_file("/" + path, root / path)
    for path in sorted((root / "usr/share/qemu/keymaps").iterdir()):
        image.add_file("/usr/share/qemu/keymaps/" + path.name, path)
    for name in ("vmlinuz", "initramfs.cpio.xz", "measurement"):
        image.add_file("/images/delivered/" + name, made / name)


def plain(packages):
    """Of a machine without Xen, where tenants are processes."""
    image = Image()
    add_common(image, packages.root, PLAIN_MODULES)
    for name in ("netdom-xenlocald", "netdom-controller", "netdom-vswitchd",
                 "netdom-guest", "netdom-ctl"):
        imagefiles.add_program(image, "/usr/bin/" + name, ours(name))
    for name in ("ovsdb-server", "ovsdb-tool", "ovs-vsctl", "ovs-ofctl",
                 "ovs-appctl", "ip", "socat"):
        imagefiles.add_program(image, "/usr/bin/" + name, machines(name))
    appliance.add_plugins(image)
    image.add_file(appliance.SCHEMA, appliance.SCHEMA)
    image.add_file("/usr/share/netdom/netdom.ovsschema", SCHEMA)
    image.add_file("/init", HERE / "plain/init")
    for name in ("lib.sh", "netdom.sh", "vfio.sh"):
        image.add_file("/scenario/" + name, HERE / "dom0" / name)
    return image


def make(packages, folder, tell, with_hvm):
    """Everything that a boot needs, in 'folder': dom0.cpio and, with HVM
    domains, dom0-hvm.cpio."""
    folder.mkdir(parents=True, exist_ok=True)
    root = packages.root
    if not (folder / "vmlinux").exists():
        tell("unpacking the kernel")
        imagefiles.unpack_kernel(appliance.kernel_of(root),
                                 folder / "vmlinux")
    if not (folder / "xen").exists():
        xen = sorted(root.glob("boot/xen-4*.gz"))[-1]
        (folder / "xen").write_bytes(subprocess.run(
            ["gzip", "-dc", xen], check=True, capture_output=True).stdout)
    tell("making images")
    expected = store.expected()
    (folder / "guest.cpio").write_bytes(guest(packages, expected).to_bytes())
    (folder / "plain.cpio").write_bytes(plain(packages).to_bytes())
    (folder / "appliance.cpio").write_bytes(
        appliance.make_image(root).to_bytes())
    image = dom0(packages, folder, expected)
    (folder / "dom0.cpio").write_bytes(image.to_bytes())
    if with_hvm:
        appliance.make(folder / "delivered")
        add_hvm(image, root, folder / "delivered")
        (folder / "dom0-hvm.cpio").write_bytes(image.to_bytes())
