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
    X(TX_GSO, "tx_drop_gso")                /* It cannot be segmented. */   \
    X(TX_GRANT, "tx_drop_grant")            /* Grant copy refused. */       \
    X(TX_CHECKSUM, "tx_drop_checksum")      /* Blank, cannot be filled. */  \
    X(TX_SPOOF_MAC, "tx_drop_spoof_mac")                                    \
    X(TX_SPOOF_ARP, "tx_drop_spoof_arp")                                    \
    X(TX_SPOOF_IP, "tx_drop_spoof_ip")                                      \
    X(RX_NOT_CONNECTED, "rx_drop_not_connected")                            \
    X(RX_QUEUE_FULL, "rx_drop_queue_full")  /* Slow or limited guest. */    \
    X(RX_STANDING, "rx_drop_standing")      /* Its queue stood (CoDel). */  \
    X(RX_OVERSIZE, "rx_drop_oversize")                                      \
    X(RX_MULTICAST, "rx_drop_multicast")    /* The guest's own filter. */   \
    X(RX_OFFLOAD, "rx_drop_offload")        /* No guest's: malformed. */    \
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

/* What ends a vif: a name for its counter, and a sentence's start for the
 * log and xenstore. */
#define VIF_MALICES(X)                                                      \
    X(TX_INDEX, "malice_tx_index", "Tx request index ran away")             \
    X(RX_INDEX, "malice_rx_index", "Rx request index ran away")             \
    X(CTRL_INDEX, "malice_ctrl_index", "control request index ran away")    \
    X(TX_PAGE, "malice_tx_page", "Tx slot crosses its page")                \
    X(TX_SLOTS, "malice_tx_slots", "Tx frame of too many slots")            \
    X(TX_CHAIN, "malice_tx_chain", "Tx frame runs past the requests")       \
    X(EXTRA_TYPE, "malice_extra_type", "extra info of unknown type")        \
    X(EXTRAS, "malice_extras", "more extra info slots than there are types") \
    X(GSO_SIZE, "malice_gso_size", "GSO segment size is 0")                 \
    X(GSO_TYPE, "malice_gso_type", "GSO type is unknown")                   \
    X(BEFORE, "malice_before", "found before this switch was started")

enum vif_malice {
    VIF_MALICE_NONE,
#define X(NAME, TEXT, SENTENCE) VIF_MALICE_##NAME,
    VIF_MALICES(X)
#undef X
    VIF_N_MALICES,
};

extern const char *const vif_malice_names[VIF_N_MALICES];
extern const char *const vif_malice_sentences[VIF_N_MALICES];

/* Counters that are no drops. */
#define VIF_COUNTS(X)                                                       \
    X(tx_throttled)                     /* Polls that the gate ended. */    \
    X(tx_throttled_ns) X(rx_throttled_ns) /* Time that limits held some. */ \
    X(cpu_ns)                           /* Threads' time for its frames. */ \
    X(cpu_waits)                        /* Turns that it left to others. */ \
    X(upcalls)                          /* Frames without a flow. */       \
    X(upcall_waits)                     /* Polls that they ended. */        \
    X(conns)                            /* New connections it made. */      \
    X(conn_waits)                       /* Polls that they ended. */        \
    X(uplink_waits)                     /* Polls that its backlog ended. */ \
    X(tx_notifies) X(rx_notifies)       /* Events that we sent. */          \
    X(tx_gso_frames)                    /* To be segmented, whole. */       \
    X(tx_gso_not_blank)                 /* Its checksum was not blank. */   \
    X(tx_csum_blank)                                                        \
    X(tx_segmented)                     /* Frames cut at entry. */          \
    X(tx_mapped_copies)                 /* Slots that needed no grant */    \
    X(rx_mapped_copies)                 /* operation, each way. */          \
    X(tx_grant_copies) X(rx_grant_copies) /* And those that did. */         \
    X(tx_multicast_refused)             /* The list is full, say. */        \
    X(rx_gso_frames)                    /* Given to the guest whole. */     \
    X(rx_csum_blank)                                                        \
    X(rx_segmented)                     /* Frames cut for this guest. */    \
    X(rx_stalls)                        /* Times that it took nothing. */

struct vif_stats {
    uint64_t tx_frames, tx_bytes;       /* From the guest, good ones. */
    uint64_t rx_frames, rx_bytes;       /* To the guest. */
#define X(NAME) uint64_t NAME;
    VIF_COUNTS(X)
#undef X
    uint64_t drops[VIF_N_DROPS];
};

/* A counter's only writer adds to it; others read it relaxed. */
static inline void
vif_count(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

/* Adds all of 'more' to 'sum'. */
void vif_stats_add(struct vif_stats *sum, const struct vif_stats *more);

#endif /* datapath/vif_stats.h */
