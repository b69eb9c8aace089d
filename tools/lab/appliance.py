"""Makes the image of a tenant's domain on Xen: a kernel, an initramfs with
netdom's and Open vSwitch's programs and the libraries that they need, no shell.
The same inputs give the same bytes.  What is printed last is the image's
measurement, the SHA-256 of all that is booted."""

import argparse
import hashlib
import lzma
import os
import pathlib
import shutil
import stat
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from lab import imagefiles, proof                           # noqa: E402
from lab.cpio import Image                                  # noqa: E402
from lab.debian import Packages                             # noqa: E402
from lab.proof import ROOT, CannotRun, say                  # noqa: E402

BUILD = pathlib.Path(os.environ.get("NETDOM_BUILD", ROOT / "build"))
PACKAGES = BUILD / "debian"             # Unpacked, and kept.
KERNEL = ["linux-image-amd64"]
MODULES = ["xen-gntdev", "xen-evtchn", "xen-gntalloc", "xenfs", "tun",
           "uio_pci_generic", "vfio-pci"]
OVS_PROGRAMS = {"ovsdb-server": "/usr/sbin/", "ovsdb-tool": "/usr/bin/",
                "ovs-vsctl": "/usr/bin/"}
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
DPDK_PLUGINS = ("librte_mempool_ring", "librte_bus_vdev", "librte_bus_pci",
                "librte_net_af_packet", "librte_net_e1000",
                "librte_net_ixgbe", "librte_net_iavf")
GOAL_BYTES = 40 << 20

EPILOG = proof.EXIT_STATUS % ("the image is there, and small enough",
                              "it is larger than the goal")


def ours(name):
    """A program of this project, built."""
    for path in sorted(BUILD.glob("*/" + name)) + sorted(
            BUILD.glob("*/*/" + name)):
        if path.is_file() and os.access(path, os.X_OK):
            return path
    raise CannotRun("%s is not built: run tools/setup" % name)


def machines(name):
    """A program of the machine's, which tools/setup installs."""
    path = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not path:
        raise CannotRun("%s is not installed: run tools/setup" % name)
    return path


def add_plugins(image):
    """DPDK's drivers: the folder of plugins has links to what is loaded as
    libraries, since the same driver twice is one too many."""
    folders = sorted(pathlib.Path("/usr/lib/x86_64-linux-gnu/dpdk").glob(
        "pmds-*"))
    if not folders:
        raise CannotRun("DPDK is not installed: run tools/setup")
    for name in DPDK_PLUGINS:
        found = sorted(folders[-1].glob(name + ".so.*"))
        if not found:
            raise CannotRun("DPDK has no %s" % name)
        # The shortest is the name that programs are linked to.
        library = "%s/%s" % (imagefiles.LIBRARIES, found[0].name)
        if library not in image:
            imagefiles.add_elf(image, library, found[0].resolve())
        imagefiles.add_libraries(image, found[0].resolve())
        # DPDK looks at files of this name only.
        image.add_link("%s/%s.so" % (folders[-1], name), "/" + library)


def make_image(root):
    """The initramfs; 'root' has the kernel's package."""
    image = Image()
    for folder in ("/proc", "/sys", "/dev", "/run", "/tmp", "/var/log"):
        image.add_folder(folder)
    image.add_link("/var/run", "/run")
    image.add_node("/dev/console", 5, 1)
    imagefiles.add_modules(image, root, MODULES, "/etc/netdom/modules")
    imagefiles.add_program(image, "/init", ours("netdom-init"))
    imagefiles.add_program(image, "/usr/sbin/netdom-vswitchd",
                           ours("netdom-vswitchd"))
    imagefiles.add_program(image, "/usr/bin/netdom-relay",
                           ours("netdom-relay"))
    for name, folder in OVS_PROGRAMS.items():
        imagefiles.add_program(image, folder + name, machines(name))
    add_plugins(image)
    image.add_file(SCHEMA, SCHEMA)
    return image


def kernel_of(root):
    return sorted(root.glob("boot/vmlinuz-*"))[-1]


def measurement(kernel, initramfs):
    """Of what is booted, byte by byte."""
    text = "".join("%s %s\n" % (name, hashlib.sha256(data).hexdigest())
                   for name, data in (("kernel", kernel),
                                      ("initramfs", initramfs)))
    return hashlib.sha256(text.encode()).hexdigest()


def listing(image):
    """A line for each file: its hash, its size, its path."""
    return "".join("%s %9d /%s\n" % (hashlib.sha256(data).hexdigest(),
                                     len(data), path)
                   for path, (mode, data, _) in sorted(image.entries.items())
                   if stat.S_ISREG(mode))


def make(folder):
    """Writes the image into 'folder'.  Returns its result."""
    packages = Packages(PACKAGES, say)
    packages.fetch(KERNEL)
    image = make_image(packages.root)
    kernel = kernel_of(packages.root).read_bytes()
    initramfs = lzma.compress(image.to_bytes(), check=lzma.CHECK_CRC32,
                              preset=6)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vmlinuz").write_bytes(kernel)
    (folder / "initramfs.cpio.xz").write_bytes(initramfs)
    (folder / "files").write_text(listing(image))
    measured = measurement(kernel, initramfs)
    (folder / "measurement").write_text(measured + "\n")
    result = proof.Result("appliance")
    size = len(kernel) + len(initramfs)
    result.add("kernel and initramfs", "%d or less" % GOAL_BYTES, size,
               "bytes", size <= GOAL_BYTES, measurement=measured,
               n_files=len(image.entries), folder=str(folder))
    return result


def parse_options(words):
    parser = argparse.ArgumentParser(
        prog="tools/make-appliance", description=__doc__, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", metavar="FOLDER",
                        default=str(BUILD / "image"),
                        help="where to write vmlinuz, initramfs.cpio.xz,"
                        " files (a list with hashes) and measurement"
                        " (default: image in the build folder)")
    parser.add_argument("--json", action="store_true",
                        help="print one JSON object instead of a list")
    return parser.parse_args(words)


def run_options(options):
    folder = pathlib.Path(options.output).resolve()
    result = make(folder)
    if options.json:
        print(result.to_json())
        return result
    print((folder / "files").read_text(), end="")
    row = result.rows[0]
    print("%s: %.1f MiB, %d files and folders" % (
        folder, row["result"] / 2**20, row["n_files"]))
    print("measurement " + row["measurement"])
    return result


if __name__ == "__main__":
    OPTIONS = parse_options(sys.argv[1:])
    proof.main(lambda: run_options(OPTIONS))
