"""What the emulated card's cable ends at: a machine that answers ARP and echo
requests to its address, in the VLAN that they come in, and counts what it sees.

Thread: its own.
"""

import os
import socket
import struct
import threading

ADDRESS = socket.inet_aton("10.0.0.100")
MAC = bytes.fromhex("00163e000064")
ETH_ARP, ETH_IPV4, ETH_VLAN = 0x0806, 0x0800, 0x8100
ARP_REQUEST, ARP_REPLY = 1, 2
ICMP_REQUEST, ICMP_REPLY = 8, 0


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def answer_arp(packet):
    kind, sha, spa, tpa = (packet[6:8], packet[8:14], packet[14:18],
                           packet[24:28])
    if kind != struct.pack("!H", ARP_REQUEST) or tpa != ADDRESS:
        return None
    return (packet[:6] + struct.pack("!H", ARP_REPLY) + MAC + ADDRESS + sha
            + spa)


def answer_echo(packet):
    header_bytes = (packet[0] & 15) * 4
    total_bytes = struct.unpack("!H", packet[2:4])[0]
    icmp = packet[header_bytes:total_bytes]
    if (packet[9] != socket.IPPROTO_ICMP or packet[16:20] != ADDRESS
            or len(icmp) < 8 or icmp[0] != ICMP_REQUEST):
        return None
    header = bytearray(packet[:header_bytes])
    header[10:12] = b"\0\0"
    header[12:16], header[16:20] = packet[16:20], packet[12:16]
    header[10:12] = struct.pack("!H", checksum(bytes(header)))
    answer = bytearray(icmp)
    answer[0], answer[2:4] = ICMP_REPLY, b"\0\0"
    answer[2:4] = struct.pack("!H", checksum(bytes(answer)))
    return bytes(header + answer)


def answer(frame):
    """Of a frame, or None; and the VLAN that it came in, 0 for none."""
    at, vlan = 12, 0
    kind = struct.unpack("!H", frame[at:at + 2])[0]
    if kind == ETH_VLAN:
        vlan = struct.unpack("!H", frame[14:16])[0] & 0xfff
        at = 16
        kind = struct.unpack("!H", frame[at:at + 2])[0]
    packet = frame[at + 2:]
    reply = None
    if kind == ETH_ARP and len(packet) >= 28:
        reply = answer_arp(packet)
    elif kind == ETH_IPV4 and len(packet) >= 28:
        reply = answer_echo(packet)
    if reply is None:
        return None, vlan
    return (frame[6:12] + MAC + frame[12:at + 2] + reply).ljust(60, b"\0"), vlan


class Wire:
    """Between two datagram sockets in 'folder': 'card' is the card's."""

    def __init__(self, folder):
        self.card, self.own = folder / "wire.card", folder / "wire.own"
        self.seen = {}                  # (VLAN, source): frames.
        for path in (self.card, self.own):
            path.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.own))
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def device(self):
        """The emulator's options for the card's end."""
        return ["-netdev", "dgram,id=wire,local.type=unix,local.path=%s,"
                "remote.type=unix,remote.path=%s" % (self.card, self.own)]

    def _run(self):
        while True:
            try:
                frame = self.socket.recv(65536)
            except OSError:
                return
            if len(frame) < 18:
                continue
            reply, vlan = answer(frame)
            key = (vlan, frame[6:12].hex(":"))
            self.seen[key] = self.seen.get(key, 0) + 1
            if reply:
                try:
                    self.socket.sendto(reply, str(self.card))
                except OSError:
                    continue            # The card is not there any more.

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()
        for path in (self.card, self.own):
            if path.exists():
                os.unlink(path)
