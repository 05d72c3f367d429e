#!/bin/bash
# Runs inside the virtual machine, which equals the host except for its kernel: runs the tests listed in dist/vm/arguments.
cd "$1" || exit
export PATH="$1/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" HOME=/root NSNET_TOOLS=no NSNET_TEST_PATIENCE=10
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm /lib/modules
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mount --bind "$1/dist/vm/kernel/lib/modules" /lib/modules
ulimit -n 20000
ip link set lo up
modprobe tun
mapfile -t arguments < dist/vm/arguments
bun test/support/run.ts "${arguments[@]}"
echo "vm: exit $?"
poweroff -f
