#!/bin/busybox sh
# The first process of the emulated machine: mounts, modules, one test program after another, and off. What the tests
# say goes to the second serial port, so that nothing of the kernel's comes in between.
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /run /tmp
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/shm /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /tmp
ln -sf /proc/self/fd /dev/fd
stty -F /dev/ttyS1 raw
exec >/dev/ttyS1 2>&1
for module in $(cat /modules/order); do
    insmod "/modules/$module" || echo "the module $module cannot be loaded"
done
ip link set lo up
. /plan
poweroff -f
