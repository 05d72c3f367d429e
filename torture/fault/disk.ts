/**
 * The disk full to the page, and the state folder read-only. An ADD is whole or nothing, and a DEL always removes the
 * link.
 */
import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Host, linkNames, must } from "../host.ts";
import { countLeft, type Losses, noLosses, refused } from "../losses.ts";
import type { Kind } from "./fault.ts";

const diskBytes = 512 * 1024;
const pageBytes = 4096;

/** A host whose state folder is a small disk. */
function onSmallDisk(name: string, work: (host: Host, losses: Losses) => void): Losses {
  const losses = noLosses();
  const host = new Host(name);
  mkdirSync(host.dataDir, { mode: 0o700 });
  must("mount", "-t", "tmpfs", "-o", `size=${diskBytes},mode=700`, "tmpfs", host.dataDir);
  host.addPod("pod");
  try {
    work(host, losses);
  } finally {
    must("umount", host.dataDir);
    host.deletePod("pod");
    host.clear();
  }
  return losses;
}

/** After the verb succeeded or was refused: checks what ADD left, and that DEL removed the link. */
function judge(verb: "ADD" | "DEL", code: number | null, losses: Losses, after: string): void {
  losses.faults++;
  const isLinked = linkNames().length > 0;
  if (isLinked && (verb === "DEL" || code !== 0)) {
    losses.links++;
    losses.stories.push(`links: ${verb} with exit status ${code} left ${linkNames()} after ${after}`);
  }
}

function proveWhole(host: Host, losses: Losses, after: string): void {
  for (const verb of ["DEL", "ADD", "DEL"] as const) {
    const { code, stdout } = host.call(verb, "pod");
    if (code !== 0) refused(losses, `${verb} after ${after}: ${stdout}`);
  }
  countLeft(host, ["pod"], losses, after);
}

function fill(host: Host, freePages: number): string {
  const filler = join(host.dataDir, "filler");
  const { bavail } = statfsSync(host.dataDir);
  writeFileSync(filler, Buffer.alloc(Math.max(0, bavail - freePages) * pageBytes));
  return filler;
}

export const diskFull: Kind = {
  title: "disk full, from no free page on",
  run: ({ short }) =>
    onSmallDisk("full", (host, losses) => {
      for (const isFirst of [true, false]) {
        for (let freePages = 0; freePages < 40; freePages += short ? 13 : 1) {
          for (const verb of ["ADD", "DEL"] as const) {
            if (isFirst && verb === "DEL") continue;
            const after = `${isFirst ? "the first " : ""}${verb} with ${freePages} free pages`;
            if (isFirst) for (const end of ["", "-wal", "-shm"]) rmSync(host.storePath + end, { force: true });
            if (verb === "DEL") host.call("ADD", "pod");
            const filler = fill(host, freePages);
            const { code } = host.call(verb, "pod");
            judge(verb, code, losses, after);
            rmSync(filler);
            proveWhole(host, losses, after);
          }
        }
      }
    }),
};

export const readOnly: Kind = {
  title: "state folder read-only",
  run: ({ short }) =>
    onSmallDisk("read-only", (host, losses) => {
      for (let i = 0; i < (short ? 2 : 20); i++) {
        const verb = i % 2 === 0 ? "ADD" : "DEL";
        if (verb === "DEL" || i % 4 === 0) host.call("ADD", "pod");
        if (verb === "ADD") host.call("DEL", "pod");
        must("mount", "-o", "remount,ro", host.dataDir);
        const { code } = host.call(verb, "pod");
        judge(verb, code, losses, `${verb} on a read-only folder`);
        must("mount", "-o", "remount,rw", host.dataDir);
        proveWhole(host, losses, `${verb} on a read-only folder`);
      }
    }),
};
