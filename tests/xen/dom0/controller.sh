# A tenant as its admin has it: written into the database, and kept by
# netdom-controller.

. /scenario/netdom.sh

# What a controller is to the switch: one that says hello and listens.
hello() {
    printf '#!/bin/sh\nprintf "\\004\\000\\000\\010\\000\\000\\000\\001"\nexec cat > /dev/null\n' \
        > /run/hello
    chmod +x /run/hello
    socat TCP-LISTEN:6653,bind=127.0.0.1,fork,reuseaddr EXEC:/run/hello &
}

mkdir -p /run/image
ln -s /images/vmlinux /run/image/vmlinuz
ln -s /images/appliance.cpio /run/image/initramfs.cpio.xz
start_controller() {
    controller /run/image "$1"
}

database || fail "the database serves"
hello
ctl tenant-add red host=xen0 -- set-controller red tcp:127.0.0.1:6653

start_controller "$(sha256sum < /images/vmlinux | cut -c1-64)" \
    || fail "the controller runs"
wait_for 60 eval 'ctl get tenant red error > /run/error
    grep -q measured /run/error'
grep -q 'measured.*nothing was booted' /run/error \
    && ! domid netdom-red > /dev/null 2>&1
told "an image that was not measured is refused, and the tenant's row says so" $?
ovs-appctl -t netdom-controller exit
start_controller "$(cat /images/measurement)" || fail "the controller runs"
runs 120 red || fail "the tenant runs"
say "the tenant runs"
told "the tenant's domain is made, and its switch runs" 0

guest g1 || fail "g1 is up"
ctl vif-add red v1 guest=g1 mac=00:16:3e:00:00:01 \
    -- vif-add red v2 guest=g2 mac=00:16:3e:00:00:02 tx_rate=4Mbit
wait_for 60 is vif v1 state connected
is vif v1 state connected
told "a vif is attached to a guest that runs" $?
guest g2 'vif=["mac=00:16:3e:00:00:02,backend=netdom-red"]' || fail "g2 is up"
wait_for 30 is vif v2 state connected
is vif v2 state connected
told "a guest that brings its vif is connected" $?
for n in 1 2; do
    run_in g$n 30 "ip address add 10.0.0.$n/24 dev eth0; ip link set eth0 up"
done
sleep 2
reaches "ping, guest to guest" 3 g1 10.0.0.2
is vif v2 limits:tx_rate_bps 4000000
told "v2's limit is in force, as the switch says" $?
check "the tenant's switch answers OpenFlow" \
    ovs-ofctl show unix:$RUN/tenants/red/br0.mgmt
wait_for 30 eval 'ctl list openflow_controller | grep -q "state.*connected"'
ctl list openflow_controller | grep state | grep -qw connected
told "the switch is connected to its OpenFlow controller" $?
sleep 2
ovs-appctl -t netdom-controller netdom/counters > /run/counters
sed 's/.*"v1"://; s/"v2":.*//' /run/counters | grep -q '"tx_packets":[1-9]'
told "v1's traffic is counted" $?

kill -9 "$(cat $RUN/netdom-controller.pid)"
n_before=$(wc -l < $RUN/netdom-controller.log)
plans() { tail -n +$((n_before + 1)) $RUN/netdom-controller.log | grep -o 'plan: red: .*'; }
reaches "without the controller" 3 g1 10.0.0.2
start_controller "$(cat /images/measurement)"
wait_for 60 eval '[ -n "$(plans)" ]'
sleep 2
[ "$(plans)" = "plan: red: nothing to do" ]
told "a new controller finds nothing to do" $?
before=$(domid netdom-red)
xl destroy netdom-red
say "the domain is destroyed"
wait_for 120 eval '[ "$(pings g1 10.0.0.2)" = 3 ]'
say "g1 reaches g2 again"
reaches "the domain is destroyed by somebody, and made anew" 3 g1 10.0.0.2
[ "$(domid netdom-red)" = "$before" ]
told "under its number" $?
wait_for 30 is tenant red state running
is tenant red state running
told "and the tenant runs" $?

ctl vif-del v1
wait_for 60 eval '[ "$(xl network-list g1 | wc -l)" -lt 2 ]'
n=$(xl network-list g1 | grep -c '^0 ')
[ "$n" = 0 ]
row "vifs of g1 once its row is gone" 0 "$n" "vifs" $?
ctl --force tenant-del red
wait_for 60 eval '! domid netdom-red'
! domid netdom-red > /dev/null 2>&1
told "a tenant that is deleted has no domain" $?
wait_for 30 eval '[ -z "$(xenstore-ls /netdom 2>/dev/null)" ]'
left=$(xenstore-ls /netdom 2>/dev/null | wc -l)
[ "$left" = 0 ]
row "what is left of it in xenstore" 0 "$left" "nodes" $?
[ $n_bad = 0 ] || tail -n 80 $RUN/netdom-controller.log
