# What may happen to a tenant's domain and to its guests, under traffic.

ping_begins() {
    run_in g2 20 "killall ping; sleep 1; \
        (ping -W 1 10.0.0.1 > /tmp/ping 2>&1 &) ; sleep 4" >/dev/null
}

# gap: for how long there was no answer, in seconds: pings that had none, one
# each second, or one that had to wait for it in the guest's ring.
gap() {
    run_in g2 20 "awk -F'seq=' '/seq=/ { split(\$2, w, \" \");
        if (n++ && w[1] - last - 1 > gap) gap = w[1] - last - 1;
        last = w[1]; split(\$2, t, \"time=\"); s = int(t[2] / 1000);
        if (s > gap) gap = s } END { print gap + 0 }' /tmp/ping"
}

# goes_on WHAT SECONDS: pings are answered again, and how long they were not.
goes_on() {
    n=$(run_in g2 20 "grep -c seq= /tmp/ping")
    wait_for "$2" more_than "$n"
    went_on=$?
    told "$1: traffic goes on" $went_on
    [ $went_on = 0 ] || show
    sleep 2
    took=$(gap)
    [ "$took" -le "$2" ]
    row "$1: gap" "$2 or less" "$took" "s" $?
}

# What there is to see if traffic does not go on.
show() {
    for name in g1 g2; do
        xenstore-ls -f "/local/domain/$(domid $name)/device/vif"
        run_in $name 20 "ip -s link show eth0; ip neighbour; \
            grep -h eth0 /proc/interrupts"
    done
    xenstore-ls -f "/local/domain/$(domid tenant)/backend/vif"
    reach tenant
    ovs-ofctl dump-ports unix:/run/tenant.openflow
    ovs-ofctl dump-flows unix:/run/tenant.openflow
}

more_than() { [ "$(run_in g2 20 "grep -c seq= /tmp/ping")" -gt $(($1 + 2)) ]; }

# What a frontend has told its backend: it stays if it does not connect anew.
rings() {
    folder=/local/domain/$(domid "$1")/device/vif/0
    for key in tx-ring-ref rx-ring-ref event-channel event-channel-tx \
        event-channel-rx queue-0; do
        xenstore-ls -f "$folder/$key" 2>/dev/null
    done
}

stays() {
    [ "$(rings g1)$(rings g2)" = "$before" ]
    told "$1: the guests' rings are the same" $?
}

addresses() {
    for n in 1 2; do
        run_in g$n 30 "ip address add 10.0.0.$n/24 dev eth0 \
            && ip link set eth0 up" || fail "g$n has an address"
    done
}

driver tenant sysrq_always_enabled || fail "the tenant's domain serves"
guest g1 'vif=["mac=00:16:3e:00:00:01,backend=tenant"]' || fail "g1 is up"
guest g2 'vif=["mac=00:16:3e:00:00:02,backend=tenant"]' || fail "g2 is up"
addresses
sleep 2
before="$(rings g1)$(rings g2)"
ping_begins

# Every process of the domain but its first ends at once.
xl sysrq tenant i
goes_on "the switch's processes are killed" 30
stays "the switch's processes are killed"

ping_begins
again tenant sysrq_always_enabled || fail "the domain is made anew"
goes_on "the domain is made anew, under its number" 90
stays "the domain is made anew, under its number"

ping_begins
xl save g1 /run/g1.save > /dev/null && xl restore /run/g1.save > /dev/null
told "g1 is saved and restored" $?
rm -f /run/g1.save
goes_on "g1 is saved and restored" 60

ping_begins
xl migrate -s '' g1 'xl migrate-receive' > /run/migrate.log 2>&1
told "g1 is migrated to its own host" $?
goes_on "g1 is migrated to its own host" 60

# A guest that starts anew has another number, and its vif another port.
ping_begins
before=$(domid g1)
xl reboot g1
is_another() { [ "$(domid g1)" != "$before" ] && guest_is_up g1; }
wait_for 90 is_another
told "g1 is rebooted" $?
run_in g1 30 "ip address add 10.0.0.1/24 dev eth0; ip link set eth0 up"
goes_on "g1 is rebooted" 90
