"""Interfaces as the kernel counts them, and frames as they come off a wire.

Thread: FrameCounter and Link belong to one thread at a time.
Errors: LabError or OSError.
"""

import ctypes
import os
import socket
import struct
import threading
import time

from lab.remains import NETNS_DIR
from lab.session import LabError, signals_held

CLONE_NEWNET = 0x40000000
# An EtherType for local experiments: nobody sends such frames by himself.
ETH_P_EXPERIMENT = 0x88b5
SO_RCVBUFFORCE = 33
SOL_PACKET, PACKET_VNET_HDR = 263, 15

_libc = ctypes.CDLL(None, use_errno=True)


def in_namespace(ns, function):
    """Calls 'function' in a thread that has entered network namespace 'ns'
    (None: the one we are in).  What it opens there stays there."""
    box = {}

    def body():
        try:
            if ns is not None:
                with open(NETNS_DIR / ns, "rb") as handle:
                    if _libc.setns(handle.fileno(), CLONE_NEWNET):
                        raise OSError(ctypes.get_errno(),
                                      "cannot enter namespace %s" % ns)
            box["result"] = function()
        except BaseException as error:  # Handed to the caller.
            box["error"] = error

    with signals_held():                # The thread keeps them held.
        thread = threading.Thread(target=body)
        thread.start()
    thread.join()
    if "error" in box:
        raise box["error"]
    return box["result"]


class Count:
    """An interface's counters at one moment.  Bytes are L2, without FCS."""

    def __init__(self, fields, time_ns):
        self.time_ns = time_ns
        (self.rx_bytes, self.rx_packets, _, self.rx_dropped) = fields[0:4]
        (self.tx_bytes, self.tx_packets, _, self.tx_dropped) = fields[8:12]


class Link:
    """An interface in a namespace: its kernel counters, read through one
    descriptor that stays open."""

    def __init__(self, ns, name):
        self.ns = ns
        self.name = name
        self._key = (name + ":").encode()
        self._fd = in_namespace(ns, lambda: os.open(
            "/proc/thread-self/net/dev", os.O_RDONLY | os.O_CLOEXEC))
        self.count()

    def count(self):
        text = b""
        while True:
            chunk = os.pread(self._fd, 65536, len(text))
            if not chunk:
                break
            text += chunk
        time_ns = time.monotonic_ns()
        for line in text.splitlines():
            words = line.split()
            if words and words[0] == self._key:
                return Count([int(word) for word in words[1:]], time_ns)
        raise LabError("namespace %s has no interface %s"
                       % (self.ns, self.name))

    def close(self):
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def mac_bytes(mac):
    return bytes(int(part, 16) for part in mac.split(":"))


def experiment_frame(dst, src, frame_bytes, label=b"netdom"):
    """A frame of 'frame_bytes' that no protocol stack answers."""
    head = mac_bytes(dst) + mac_bytes(src) + struct.pack(
        "!H", ETH_P_EXPERIMENT)
    return (head + label).ljust(frame_bytes, b"\0")


def send_frames(ns, ifname, frames, frames_per_s=None, vnet_hdr=b""):
    """Sends whole frames out of an interface, as the guest's kernel would if
    it were told to forge them; at most so many per second, if given, since
    a tap that is full loses frames without a word.  'vnet_hdr' is a struct
    virtio_net_hdr that tells the kernel what is left to be done to each."""
    def body():
        begun = time.monotonic()
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind((ifname, 0))
            raw.setsockopt(SOL_PACKET, PACKET_VNET_HDR, bool(vnet_hdr))
            for number, frame in enumerate(frames):
                if frames_per_s and number % 32 == 0:
                    early_s = begun + number / frames_per_s - time.monotonic()
                    time.sleep(max(early_s, 0))
                for attempt in range(2000):
                    try:
                        raw.send(vnet_hdr + frame)
                        break
                    except OSError:     # ENOBUFS: the queue is full.
                        time.sleep(0.001)
                else:
                    raise LabError("%s takes no frames" % ifname)
    in_namespace(ns, body)


class FrameCounter:
    """Collects the frames of an EtherType that an interface receives."""

    def __init__(self, ns, ifname, ethertype=ETH_P_EXPERIMENT):
        def body():
            raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                socket.htons(ethertype))
            # Room for 40,000 small frames: the kernel charges each 1 KiB.
            raw.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
            raw.bind((ifname, ethertype))
            raw.setblocking(False)
            return raw
        self._raw = in_namespace(ns, body)

    def take_all(self):
        """The frames that came since last asked."""
        frames = []
        while True:
            try:
                frames.append(self._raw.recv(65536))
            except BlockingIOError:
                return frames

    def take(self):
        """How many came since last asked."""
        return len(self.take_all())

    def close(self):
        self._raw.close()
