# Without Xen: two tenants as processes, each with a VF of one card, which vfio-pci
# gives it behind an IOMMU.  Their guests reach the wire through it, each in its
# tenant's VLAN, and not each other.

. /scenario/netdom.sh

PF=$(basename "$(readlink /sys/class/net/eth0/device)")
RED_VLAN=10 BLUE_VLAN=20                # As the bench looks for on the wire.
WIRE=10.0.0.100

ip=/usr/bin/ip                          # busybox's knows no VFs.

# answers GUEST ADDRESS: how many of three.
answers() {
    got=$($ip netns exec "$1" ping -c 3 -W 3 "$2" \
        | grep -o '[0-9]* packets received')
    echo "${got%% *}"
}

# get NAME GOAL FROM ADDRESS
get() {
    n=$(answers "$3" "$4")
    [ "$n" = "$2" ]
    row "$1" "$2 of 3" "$n" "answers" $?
}

# in_use_by NUMBER: the uid that may open the VF's group.
in_use_by() {
    group=$(basename "$(readlink "/sys/bus/pci/devices/$PF/virtfn$1/iommu_group")")
    stat -c %u "/dev/vfio/$group"
}

$ip link set eth0 up
echo 0 > "/sys/bus/pci/devices/$PF/sriov_drivers_autoprobe"
echo 2 > "/sys/bus/pci/devices/$PF/sriov_numvfs"
database || fail "the database serves"
netdom-xenlocald --run-dir=$RUN/xen > /run/xenlocald.log 2>&1 &
wait_for 10 test -S $RUN/xen/registry.sock || fail "the stand-in for Xen serves"
netdom-controller --host=xen0 --log-file --detach || fail "the controller runs"

# tenant NAME NUMBER VLAN GUEST ADDRESS
tenant() {
    vf=$(basename "$(readlink "/sys/bus/pci/devices/$PF/virtfn$2")")
    mac=00:16:3e:00:03:0$2
    ctl vf-add "vf-$1" pci="$vf" mac=$mac vlan="$3" \
        -- tenant-add "$1" vf="vf-$1" -- vif-add "$1" "vif-$1" guest="$4" mac=$mac
    $ip netns add "$4"
    netdom-guest --name="$4" --xen-dir=$RUN/xen --tap=eth0 --netns="$4" \
        --address="$5/24" > "/run/$4.log" 2>&1 &
    runs 60 "$1"
    told "$1 runs" $?
    wait_for 30 is vif "vif-$1" state connected
    [ "$(readlink "/sys/bus/pci/devices/$vf/driver" | grep -o '[^/]*$')" = vfio-pci ] \
        && [ "$(in_use_by "$2")" -ge 100000 ]
    told "vfio-pci has $1's VF, and its device is $1's" $?
    # As in vf.sh: the emulated card gives a VF its own broadcasts back.
    ovs-ofctl add-flow "unix:$RUN/tenants/$1/br0.mgmt" \
        "priority=100,in_port=vf0,dl_src=$mac,actions=drop"
    get "from $1's guest through its VF to the wire and back" 3 "$4" $WIRE
}

tenant red 0 $RED_VLAN r1 10.0.0.1
tenant blue 1 $BLUE_VLAN b1 10.0.0.2
get "from red to blue" 0 r1 10.0.0.2
kill -9 "$(pidof netdom-vswitchd | cut -d' ' -f1)"
wait_for 30 eval '[ "$(answers r1 $WIRE)$(answers b1 $WIRE)" = 33 ]'
get "a switch was killed: red's guest reaches the wire" 3 r1 $WIRE
get "and blue's" 3 b1 $WIRE
ctl tenant-set red vf=
wait_for 30 is vf vf-red state free
[ "$(in_use_by 0 2>/dev/null || echo 0)" = 0 ] && is tenant red state running
told "a VF that is taken away is no tenant's, and the tenant runs" $?
get "blue's guest still reaches the wire" 3 b1 $WIRE
[ $n_bad = 0 ] || { cat /run/*.log; tail -n 60 $RUN/netdom-controller.log
    tail -n 30 $RUN/tenants/*/netdom-vswitchd.log; }
