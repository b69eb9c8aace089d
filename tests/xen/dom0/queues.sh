# A VIF with a limit and 1, 2 or 4 queues, on xen-netback in dom0 and on ours: how
# much of it they let through.

RATE_MBIT=4
FLOWS=16
WINDOW_S=12

# wire_bytes NAME BACKEND: what was taken from the guest so far.
wire_bytes() {
    id=$(domid "$1")
    if [ "$2" = ours ]; then
        ovs-ofctl dump-ports unix:/run/tenant.openflow "vif$id.0" \
            | sed -n 's/.*rx pkts=[0-9]*, bytes=\([0-9]*\).*/\1/p'
    else
        cat "/sys/class/net/vif$id.1/statistics/rx_bytes"
    fi
}

# part NAME BACKEND: of the limit, in a window of time.  The question takes a
# while, most of it before the answer is found.
part() {
    begin=$(wire_bytes "$1" "$2")
    begin_s=$(cut -d' ' -f1 /proc/uptime)
    sleep $WINDOW_S
    end=$(wire_bytes "$1" "$2")
    end_s=$(cut -d' ' -f1 /proc/uptime)
    awk -v b="$begin" -v e="$end" -v t="$begin_s" -v u="$end_s" \
        'BEGIN { printf "%.3f", (e - b) * 8 / (u - t) / ('$RATE_MBIT' * 1e6) }'
}

# busy NAME VIF: queues that have carried something.
busy() {
    run_in "$1" 20 "awk '/$2-q[0-9]*-tx/ { for (n = i = 2; i < NF - 1; i++)
        if (\$i > 0 && \$i ~ /^[0-9]+\$/) { used++; break } }
        END { print used + 0 }' /proc/interrupts"
}

echo 4 > /sys/module/xen_netback/parameters/max_queues
driver tenant "" --vcpus=4 || fail "the tenant's domain serves"
reach tenant
for q in 1 2 4; do
    VCPUS=4 EXTRA=queues=$q guest q$q \
        "vif=[\"mac=00:16:3e:00:01:0$q,backend=tenant,rate=${RATE_MBIT}Mb/s\",
              \"mac=00:16:3e:00:02:0$q,rate=${RATE_MBIT}Mb/s,script=up\"]" \
        || fail "the guest with $q queues is up"
done
for backend in ours netback; do
    n=$([ $backend = ours ] && echo 0 || echo 1)
    eth=eth$n net=10.0.$((n + 1)) vif=vif$n
    for q in 1 2 4; do
        run_in q$q 20 "ip address add $net.$q/24 dev $eth; \
            ip link set $eth up; sleep 1; \
            (flood $net.255 $FLOWS 30 > /tmp/flood 2>&1 &) ; sleep 4"
        got=$(part q$q $backend)
        n=$(busy q$q $vif)
        run_in q$q 20 "killall flood"
        say "$backend, $q queues: $got of the limit"
        [ "$n" = $q ]
        row "$backend: queues that carry traffic" $q "$n" "queues" $?
        if [ $backend = ours ]; then
            echo "$got" | awk '{ exit !($1 > 0.95 && $1 < 1.05) }'
            row "ours, $q queues: what passes" "0.95 to 1.05" "$got" \
                "times the limit" $?
        else
            echo "$got" | awk -v q=$q '{ exit !($1 > 0.85 * q) }'
            row "netback, $q queues: what passes" "more than 0.85 x $q" \
                "$got" "times the limit" $?
        fi
    done
done
