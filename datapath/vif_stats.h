/* A VIF's counters, with a name for everything that can be lost.
 *
 * Thread: one writer, the thread that polls the vif; others read relaxed.
 * Owner:  embedded in its vif.   Errors: none. */

#ifndef DATAPATH_VIF_STATS_H
#define DATAPATH_VIF_STATS_H 1

#include <stdint.h>

/* Reasons for which a frame is dropped: enumerator and the name under which
 * "ovs-vsctl get interface ... statistics" shows it.  "tx" is what the guest
 * sends, "rx" what it receives, as in netif.h. */
#define VIF_DROPS(X)                                                        \
    X(TX_RUNT, "tx_drop_runt")              /* Under 14 bytes. */           \
    X(TX_OVERSIZE, "tx_drop_oversize")      /* Above the MTU's room. */     \
    X(TX_SLOTS, "tx_drop_slots")            /* More than 18 slots. */       \
    X(TX_LENGTH, "tx_drop_length")          /* Slots exceed the total. */   \
    X(TX_EXTRA, "tx_drop_extra")            /* An extra we do not take. */  \
    X(TX_GRANT, "tx_drop_grant")            /* Grant copy refused. */       \
    X(TX_CHECKSUM, "tx_drop_checksum")      /* Blank, cannot be filled. */  \
    X(TX_NO_BUFFER, "tx_drop_no_buffer")    /* Our pool is empty. */        \
    X(TX_SPOOF_MAC, "tx_drop_spoof_mac")                                    \
    X(TX_SPOOF_ARP, "tx_drop_spoof_arp")                                    \
    X(TX_SPOOF_IP, "tx_drop_spoof_ip")                                      \
    X(RX_NOT_CONNECTED, "rx_drop_not_connected")                            \
    X(RX_QUEUE_FULL, "rx_drop_queue_full")  /* Slow or limited guest. */    \
    X(RX_OVERSIZE, "rx_drop_oversize")                                      \
    X(RX_GRANT, "rx_drop_grant")                                            \
    X(RX_NO_BUFFER, "rx_drop_no_buffer")                                    \
    X(RX_STALLED, "rx_drop_stalled")        /* It takes nothing at all. */  \
    X(RX_DISCONNECT, "rx_drop_disconnect")  /* Queued when it left. */

enum vif_drop {
#define X(NAME, TEXT) VIF_DROP_##NAME,
    VIF_DROPS(X)
#undef X
    VIF_N_DROPS,
};

extern const char *const vif_drop_names[VIF_N_DROPS];

struct vif_stats {
    uint64_t tx_frames, tx_bytes;       /* From the guest, good ones. */
    uint64_t rx_frames, rx_bytes;       /* To the guest. */
    uint64_t tx_throttled;              /* Polls that the gate ended. */
    uint64_t tx_notifies, rx_notifies;  /* Events that we sent. */
    uint64_t drops[VIF_N_DROPS];
};

#endif /* datapath/vif_stats.h */
