# What scenarios are made of.  Each result is a line ROW|name|goal|result|unit|ok
# on the console, which is how the bench hears of it.

n_bad=0
echo 0 > /run/turn

# now: $now gets the seconds since the machine started.  No process is made for
# it: a process takes a long time here.
now() { read -r now rest < /proc/uptime; now=${now%%.*}; }
say() { now; echo "dom0: $now s: $*"; }

# row NAME GOAL RESULT UNIT STATUS: STATUS is 0 if the goal is met.
row() {
    if [ "$5" = 0 ]; then ok=true; else ok=false; n_bad=$((n_bad + 1)); fi
    echo "ROW|$1|$2|$3|$4|$ok"
}

# told NAME STATUS: a row that says yes or no.
told() {
    if [ "$2" = 0 ]; then said=yes; else said=no; fi
    row "$1" "yes" "$said" "" "$2"
}

# check NAME COMMAND...: a row of its own.
check() {
    what=$1; shift
    "$@"
    told "$what" $?
}

finish() {
    for log in /var/log/xen/console/*; do
        [ "$n_bad" = 0 ] || { echo "LOG|$log"; tail -n 30 "$log"; }
    done
    echo "END|$n_bad"
    sleep 1
    # To isa-debug-exit: QEMU ends with 2 * byte + 1.
    printf '\021' | dd of=/dev/port bs=1 seek=244 2>/dev/null
    sleep 5; poweroff -f
}

fail() {
    row "$*" "yes" "no" "" 1
    finish
}

# wait_for SECONDS COMMAND...
wait_for() {
    now; until=$((now + $1)); shift
    while ! "$@" >/dev/null 2>&1; do
        now
        [ "$now" -lt "$until" ] || return 1
        sleep 0.3
    done
}

# Domains.

domid() { xl domid "$1"; }

# start NAME KIND MEMORY [LINE]...: a PV domain with $VCPUS processors (1) and
# $EXTRA on its kernel's command line; lines are added to its configuration.
start() {
    { echo "name=\"$1\""; echo "type=\"pv\""; echo "kernel=\"/images/vmlinux\""
      echo "ramdisk=\"/images/$2.cpio\""; echo "memory=$3"; echo "vcpus=${VCPUS:-1}"
      echo "extra=\"console=hvc0 quiet net.ifnames=0 panic=5 $EXTRA\""
      shift 3
      for line; do echo "$line"; done; } > "/run/$$.cfg"
    xl create "/run/$$.cfg" >/dev/null
}

serves() {
    xenstore-read \
        "/local/domain/$(domid "$1")/data/netdom/openflow/0/turn"
}

# appliance COMMAND NAME MEASUREMENT [WORD]...: of netdom-domain.
appliance() {
    command=$1 name=$2 measurement=$3; shift 3
    netdom-domain "$command" --name="$name" --kernel=/images/vmlinux \
        --ramdisk=/images/appliance.cpio --measurement="$measurement" "$@"
}

# driver NAME [EXTRA [WORD]...]: a tenant's domain, until it serves.
driver() {
    name=$1 extra=$2
    [ $# -lt 2 ] && shift 1 || shift 2
    appliance create "$name" "$(cat /images/measurement)" --extra="$extra" \
        "$@" > "/run/$name.domid" || return 1
    wait_for 120 serves "$name"
}

# again NAME [EXTRA]: the same domain, made anew.
again() {
    appliance recreate "$1" "$(cat /images/measurement)" --extra="$2" \
        --domid="$(domid "$1")" > /dev/null || return 1
    wait_for 120 serves "$1"
}

guest_is_up() {
    [ "$(xenstore-read "/local/domain/$(domid "$1")/data/agent")" = ready ]
}

# guest NAME [LINE]...
guest() {
    name=$1; shift
    start "$name" guest 192 "$@" || return 1
    wait_for 120 guest_is_up "$name"
}

# run_in NAME SECONDS COMMAND: what it printed, and its status.
run_in() {
    # In a file, since this often runs in a subshell.
    turn=$(($(cat /run/turn) + 1))
    echo $turn > /run/turn
    folder=/local/domain/$(domid "$1")/data
    xenstore-write "$folder/run" "$turn $3"
    now; until=$((now + $2))
    while answer=$(xenstore-read "$folder/done" 2>/dev/null)
          [ "${answer%% *}" != $turn ]; do
        now
        [ "$now" -lt "$until" ] || { echo "no answer"; return 124; }
        sleep 0.2
    done
    answer=${answer#* }
    printf '%b\n' "${answer#* }"         # As xenstore-read writes them.
    return "${answer%% *}"
}

# Relays to the tenant's switch; sockets are /run/NAME.openflow and .ovsdb.
reach() {
    netdom-relay --domid="$(domid "$1")" --listen="openflow:/run/$1.openflow" \
        --listen="ovsdb:/run/$1.ovsdb" &
    wait_for 10 test -S "/run/$1.ovsdb"
}

# pings FROM ADDRESS: how many of three are answered.
pings() {
    got=$(run_in "$1" 60 "ping -c 3 -W 3 $2" | grep -o '[0-9]* packets received')
    echo "${got%% *}"
}

# reaches NAME GOAL FROM ADDRESS
reaches() {
    n=$(pings "$3" "$4")
    [ "$n" = "$2" ]
    row "$1" "$2 of 3" "$n" "answers" $?
}
