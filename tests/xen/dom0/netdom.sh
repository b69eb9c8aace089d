# The database and netdom-controller, as a host has them.  Sourced by scenarios
# in dom0, and by those without Xen.

RUN=/run/netdom
export OVS_RUNDIR=$RUN OVS_LOGDIR=$RUN OVS_DBDIR=$RUN

ctl() { netdom-ctl --db=unix:$RUN/db.sock --timeout=20 "$@"; }

# is TABLE ROW COLUMN VALUE: what the database says, without its quotes.
is() { [ "$(ctl get "$1" "$2" "$3" | tr -d '"')" = "$4" ]; }

# database: an empty one, with this host in it.
database() {
    mkdir -p $RUN
    ovsdb-tool create $RUN/netdom.db /usr/share/netdom/netdom.ovsschema \
        && ovsdb-server $RUN/netdom.db --remote=punix:$RUN/db.sock --detach \
            --pidfile --log-file --no-chdir || return 1
    ctl init
    ctl host-add xen0
}

# controller IMAGE MEASUREMENT [OPTION]...
controller() {
    image=$1 measurement=$2; shift 2
    netdom-controller --platform=xen --host=xen0 --image="$image" \
        --measurement="$measurement" --log-file --detach "$@"
}

# runs SECONDS TENANT
runs() {
    wait_for "$1" is tenant "$2" state running && return
    ctl show
    tail -n 40 $RUN/netdom-controller.log
    return 1
}
