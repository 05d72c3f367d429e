#!/bin/busybox sh
# The virtual machine's first program: mounts the host's files read-only, below a layer that is dropped at the end.
/bin/busybox --install -s /bin
mount -t proc proc /proc
while read -r module; do insmod "/modules/$module"; done < /modules/order
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=1048576,cache=loose outside /lower &&
	mount -t tmpfs -o size=50% tmpfs /layer && mkdir /layer/upper /layer/work &&
	mount -t overlay -o lowerdir=/lower,upperdir=/layer/upper,workdir=/layer/work overlay /root || poweroff -f
folder=$(sed 's/.*ns-net=\([^ ]*\).*/\1/' /proc/cmdline)
umount /proc
exec switch_root /root /bin/bash "$folder/test/vm/guest.sh" "$folder"
