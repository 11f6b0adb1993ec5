# setup.sh - what bench/run and bench/scale share, sourced by both: the view of the cgroups, the tools, the
# bundles, the runtimes that work here, and the removal of all of it.
# shellcheck shell=sh disable=SC2034
# Each script runs itself once for each view, in a private mount namespace, with BENCH_VIEW set.

top=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$top/build}
case $build in /*) ;; *) build=$top/$build ;; esac
runtimes=${RUNTIMES:-${HUSK:-$build/husk} runc crun}

die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# A shell acts on a signal only when its command has ended; so the command that takes long is waited for.
child=
stoppable() { # WORDS...
    "$@" &
    child=$!
    wait "$child"
}
stop() {
    trap '' INT TERM
    [ -z "$child" ] || { kill "$child" && wait "$child"; } 2>/dev/null || :
    exit 130
}
trap stop INT TERM

mount_points() { # TYPE: where file systems of it are mounted
    awk -v type="$1" '{ for (i = 7; $i != "-"; i++); if ($(i + 1) == type) print $5 }' /proc/self/mountinfo
}

host_view() {
    case $(mount_points cgroup | wc -l),$(mount_points cgroup2 | wc -l) in
    0,0) echo none ;;
    0,*) echo v2 ;;
    *,0) echo v1 ;;
    *) echo hybrid ;;
    esac
}

# The views in question, one after the other, each in its own namespace: in_views "VIEW..." SCRIPT ARGUMENT...
in_views() {
    views=$1
    host=$(host_view)
    shift
    [ "$(id -u)" = 0 ] || die "needs root, for the other runtimes' bundles are not rootless"
    if [ -z "$views" ]; then
        views=$host
        [ "$host" != hybrid ] || views="hybrid v1 v2"
    fi
    for view in $views; do
        [ "$host" = hybrid ] || [ "$host" = "$view" ] || die "no $view view: the host's cgroups are $host"
        stoppable env "BENCH_VIEW=$view" unshare -m --propagation private -- "$@"
    done
}

enter_view() {
    [ "$(host_view)" != "$BENCH_VIEW" ] || return 0
    case $BENCH_VIEW in
    v1)
        # crun writes below the place where cgroup2 was; a private file system there takes that with it.
        for point in $(mount_points cgroup2); do
            umount "$point" && mount -t tmpfs none "$point" || die "cannot unmount $point"
        done
        ;;
    v2) umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup ;;
    *) false ;;
    esac || die "cannot make the $BENCH_VIEW view"
}

# Whatever a runtime left: each container's cgroups have our prefix, and everything else is below $work.
clean_up() {
    status=$?
    trap '' INT TERM
    for tries in 1 2 3 4 5; do
        left=$(find /sys/fs/cgroup -depth -type d -name "$prefix*" 2>/dev/null || :)
        [ -n "$left" ] || break
        [ "$tries" = 1 ] || sleep 0.1
        for dir in $left; do
            xargs -r kill -9 < "$dir/cgroup.procs" 2>/dev/null || :
            rmdir "$dir" 2>/dev/null || :
        done
    done
    umount -l "$state" 2>/dev/null || :
    rm -rf "$work"
    rmdir "$build/bench" 2>/dev/null || :
    exit "$status"
}

bundle() { # NAME ARGUMENT...: a bundle of the default configuration that runs these words
    name=$1
    shift
    words=$(printf ', "%s"' "$@")
    mkdir "$work/$name"
    sed -e 's/"terminal": true/"terminal": false/' -e "s|\"sh\"|${words#, }|" -e "s|\"rootfs\"|\"$rootfs\"|" \
        -e 's/"ociVersion": "[^"]*"/"ociVersion": "1.0.2"/' "$work/config.json" > "$work/$name/config.json"
}

# Compiles the tools and makes the bundles: tiny runs a program that ends at once, busybox /bin/true, waiting
# one that waits.
make_all() {
    work=$build/bench/$$
    state=$work/state
    rootfs=$work/rootfs
    prefix=hb$$-
    trap clean_up EXIT
    mkdir -p "$state" "$rootfs/bin" "$rootfs/proc" "$rootfs/sys" "$rootfs/dev" "$rootfs/tmp"
    mount -t tmpfs -o size=256m none "$state" || die "cannot mount a tmpfs"
    enter_view
    cc=${CC:-cc}
    $cc -std=gnu11 -D_GNU_SOURCE -O2 -o "$work/interleave" "$top/bench/interleave.c" || die "cannot compile"
    cp "$(command -v busybox)" "$rootfs/bin/busybox" || die "needs a static busybox"
    ln -s busybox "$rootfs/bin/true"
    ln -s busybox "$rootfs/bin/sleep"
    freestanding="-O2 -ffreestanding -fno-stack-protector -fno-pie -nostdlib -static -s -Wl,--build-id=none"
    # shellcheck disable=SC2086 # words
    if $cc $freestanding -o "$rootfs/tiny" "$top/bench/tiny.c" 2>/dev/null &&
        $cc $freestanding -o "$work/floor" "$top/bench/floor.c"; then
        tiny=/tiny waiting="/tiny wait" floor=$work/floor
    else
        tiny=/bin/true waiting="/bin/sleep 1000" floor=
    fi
    for maker in $runtimes; do
        maker=$(command -v "$maker") || continue
        case $maker in /*) ;; *) maker=$PWD/$maker ;; esac
        (cd "$work" && "$maker" spec) >/dev/null 2>&1 && break
    done
    [ -s "$work/config.json" ] || die "none of these can write a config.json: $runtimes"
    bundle tiny "$tiny"
    bundle busybox /bin/true
    # shellcheck disable=SC2086 # words
    bundle waiting $waiting
}

# Sets $working: the runtimes that can run the bundle in this view, as "NAME=COMMAND ..."; says why others are
# left out.
find_working() {
    working=
    for command in $runtimes; do
        name=$(basename "$command")
        while case " $working" in *" $name="*) true ;; *) false ;; esac; do name=$name+; done
        if ! command -v "$command" >/dev/null; then
            echo "left out: $command is not installed"
        elif ! timeout 20 "$command" --root "$state/$name" run -b "$work/tiny" "${prefix}try-$name" \
            </dev/null >"$work/output" 2>&1; then
            echo "left out: $command: $(tail -n 1 "$work/output" | cut -c 1-150)"
        else
            working="$working $name=$command"
        fi
    done
    [ -n "$working" ] || die "no runtime works here"
}

describe() { # what the numbers depend on
    model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
    mounts=$(wc -l < /proc/self/mountinfo)
    echo "host     Linux $(uname -r), $(nproc) x ${model:-$(uname -m)}, $mounts mounts"
    echo "cgroups  $BENCH_VIEW view, $(find /sys/fs/cgroup -type d 2>/dev/null | wc -l) directories"
    for one in $working; do
        echo "runtime  ${one%%=*}: $("${one#*=}" --version 2>/dev/null | head -n 1)"
    done
    load
}

load() {
    echo "load     $(cut -d ' ' -f 1-3 /proc/loadavg), at $(date +%H:%M:%S)"
}
