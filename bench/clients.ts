/**
 * `npm run bench:clients`: pod sandboxes through containerd's CRI, with one plugin of type ns-net and with the reference's
 * chain (bridge with ipMasq, portmap), in turn within one run; then twenty at once with a host port each.
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findSandbox, sandboxEnvironment, sandboxMark } from "../scripts/sandbox.ts";
import { conflist } from "../test/clients/client.ts";
import { type Containerd, freshContainerd } from "../test/clients/containerd.ts";
import { referencePlugins } from "../test/support/plugin.ts";
import { freshWorld, ranges } from "../test/support/world.ts";
import { figure, markdownTable, median } from "./statistics.ts";

const [runs, warmUps, atOnce] = [20, 3, 20];

const labels = ["ns-net", "reference"] as const;
type Label = (typeof labels)[number];

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

/** A containerd with its own host and one configuration, so that two can take turns. */
async function participant(label: Label): Promise<{ containerd: Containerd; [Symbol.asyncDispose](): Promise<void> }> {
  const world = freshWorld();
  const containerd = await freshContainerd(world.host, mkdtempSync(join(tmpdir(), "ns-net-bench-")));
  const ipam = { type: "host-local", ranges: [[{ subnet: "10.7.0.0/24" }]], dataDir: join(world.dataDir, "leases") };
  const reference = [
    { type: "bridge", bridge: "cni0", isDefaultGateway: true, ipMasq: true, ipam },
    { type: "portmap", capabilities: { portMappings: true } },
  ];
  const ours = conflist(world, { ipam: ranges("10.7.0.0/24") });
  await containerd.configure(
    label === "ns-net" ? ours : { cniVersion: "1.0.0", name: "podnet", plugins: reference },
    label === "ns-net" ? undefined : join(referencePlugins, "loopback"),
  );
  return {
    containerd,
    async [Symbol.asyncDispose]() {
      await containerd[Symbol.asyncDispose]();
      world[Symbol.dispose]();
    },
  };
}

async function main(): Promise<void> {
  await using ours = await participant("ns-net");
  await using theirs = await participant("reference");
  const parts = { "ns-net": ours.containerd, reference: theirs.containerd };
  const times = new Map<string, number[]>();
  const note = (key: string, ms: number) => times.set(key, [...(times.get(key) ?? []), ms]);
  for (let i = 0; i < warmUps + runs; i++) {
    for (const label of labels) {
      const { cri } = parts[label];
      let id = "";
      const runMs = await timed(async () => {
        id = await cri.run({ name: `pod${i}`, ports: [{ host: 8000 + i, container: 80 }] });
      });
      const stopMs = await timed(() => cri.stop(id));
      await cri.remove(id);
      if (i < warmUps) continue;
      note(`RunPodSandbox ${label}`, runMs);
      note(`StopPodSandbox ${label}`, stopMs);
    }
  }
  for (let round = 0; round < 3; round++) {
    for (const label of labels) {
      const { cri } = parts[label];
      let ids: string[] = [];
      const pods = Array.from({ length: atOnce }, (_, i) => ({
        ...{ name: `all${round}-${i}`, ports: [{ host: 9000 + i, container: 80 }] },
      }));
      note(
        `${atOnce} at once up ${label}`,
        await timed(async () => {
          ids = await Promise.all(pods.map((pod) => cri.run(pod)));
        }),
      );
      note(`${atOnce} at once down ${label}`, await timed(() => Promise.all(ids.map((id) => cri.stop(id)))));
      await Promise.all(ids.map((id) => cri.remove(id)));
    }
  }
  const rows = ["RunPodSandbox", "StopPodSandbox", `${atOnce} at once up`, `${atOnce} at once down`].map((what) => {
    const [a, b] = labels.map((label) => median(times.get(`${what} ${label}`) ?? []));
    return [what, figure(a), figure(b), figure(a! / b!)];
  });
  console.log(markdownTable(["medians in ms", "ns-net", "reference", "ratio"], rows));
}

if (process.env[sandboxMark] !== undefined) {
  await main();
} else {
  const sandbox = findSandbox();
  if (!sandbox.works) throw new Error(sandbox.reason);
  const inside = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", process.execPath, import.meta.path];
  const child = Bun.spawn(sandbox.wrap(inside), { env: sandboxEnvironment, stdio: ["ignore", "inherit", "inherit"] });
  process.exit(await child.exited);
}
