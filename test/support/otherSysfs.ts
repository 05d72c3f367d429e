/** A plugin with another sysfs: a script that mounts its own over two folders, for itself alone. */
import { writeFileSync } from "node:fs";

/**
 * `sysfs`: the shell commands for /sys/bus and /sys/fs, which are empty. Answers the program to call instead of the
 * plugin.
 */
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
