# What Linux's netfront does with two queues, segmentation and checksums left to
# the backend, and whether our own guest says the same of itself.

# stat NAME COLUMN: of its vif's statistics.
stat() {
    ovs-vsctl --db=unix:/run/tenant.ovsdb get interface "vif$(domid "$1").0" \
        "statistics:$2"
}

# keys NAME: the names of the nodes that its netfront wrote.
keys() {
    folder=/local/domain/$(domid "$1")/device/vif/0
    xenstore-ls -f "$folder" | sed "s|^$folder/||; s| = .*||" \
        | grep -v -x -E 'backend|backend-id|state|handle|mac|mtu|trusted|queue-[0-9]+' \
        | sort
}

driver tenant "" --vcpus=2 || fail "the tenant's domain serves"
reach tenant
for n in 1 2; do
    VCPUS=2 EXTRA=queues=2 guest g$n \
        "vif=[\"mac=00:16:3e:00:00:0$n,backend=tenant\"]" || fail "g$n is up"
    run_in g$n 30 "ip address add 10.0.0.$n/24 dev eth0; ip link set eth0 up"
done
sleep 2
keys g1 > /run/keys
diff /expected/frontend /run/keys
told "our own guest writes the same nodes as netfront" $?
n=$(ovs-vsctl --db=unix:/run/tenant.ovsdb get interface "vif$(domid g1).0" \
    status:queues | tr -d '"')
[ "$n" = 2 ]
row "netfront's queues" 2 "$n" "queues" $?

run_in g2 20 "(stream receive 5000 8388608 > /tmp/verdict 2>&1 &) ; sleep 1"
run_in g1 120 "stream send 10.0.0.2 5000 8388608"
told "TCP, 8 MiB, compared" $?
sleep 6                                 # Until statistics are written.
bytes=$(stat g1 rx_bytes) frames=$(stat g1 rx_packets)
[ $((bytes / frames)) -ge 3000 ]
row "what g1 sends, a frame" "3000 or more" $((bytes / frames)) "bytes" $?
row_of() {                              # NAME VIF COLUMN
    n=$(stat "$2" "$3")
    [ "$n" -ge 100 ]
    row "$1" "100 or more" "$n" "frames" $?
}
row_of "left to the backend to cut" g1 tx_gso_frames
row_of "left to the backend to sum up" g1 tx_csum_blank
row_of "handed to g2 uncut" g2 rx_gso_frames
row_of "handed to g2 not summed up" g2 rx_csum_blank
n=$(($(stat g1 tx_segmented) + $(stat g2 rx_segmented)))
[ $n = 0 ]
row "cut on the way" 0 $n "frames" $?
n=$(($(stat g1 tx_dropped) + $(stat g1 tx_errors) + $(stat g2 rx_dropped)))
[ $n = 0 ]
row "lost on the way" 0 $n "frames" $?
