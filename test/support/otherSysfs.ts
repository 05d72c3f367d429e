/** A plugin on a machine whose sysfs is another: a script that lays its own over two folders of it, for itself alone. */
import { writeFileSync } from "node:fs";

/** `sysfs`: what a shell does to /sys/bus and /sys/fs, which are empty. Answers what to call in the plugin's place. */
export function onOtherSysfs(plugin: string, sysfs: string): string {
  const path = `${plugin}-on-other-sysfs`;
  const lines = [
    "#!/bin/sh -e",
    '[ "$1" = inside ] || exec unshare --mount "$0" inside',
    "mount -t tmpfs none /sys/bus",
    "mount -t tmpfs none /sys/fs",
    sysfs,
    `exec ${plugin}`,
  ];
  writeFileSync(path, lines.join("\n"), { mode: 0o755 });
  return path;
}
