/** Attaches the interfaces that a lab has and that the plugin did not make yet. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { attachingsOf, underlayAttachings } from "../plan/configuration.ts";
import { announce } from "./announce.ts";
import { attach } from "./attach.ts";
import { changeHosts } from "./hosts.ts";
import type { OnProgress, World } from "./world.ts";

/** In the order of the file; the underlay comes first, because routes of the hosts lead there. */
export async function attachMissing(world: World, onProgress: OnProgress, signal?: AbortSignal): Promise<void> {
  const { lab, own, folder, hosts, pods, namesInside } = world;
  const dataDir = join(folder, "leases");
  const isChange = world.attached.length > 0;
  const known = new Set(world.attached.map(({ pod }) => pod)); // each is attached with all its interfaces
  const toUnderlay = underlayAttachings(lab, dataDir).filter(({ pod }) => !known.has(pod));
  const ofPods = attachingsOf(
    lab,
    dataDir,
    lab.pods.filter(({ name }) => !known.has(name)),
  );
  const missing = [...toUnderlay, ...ofPods];
  if (toUnderlay.length === 0) changeHosts(world, "connected");
  for (const [i, one] of missing.entries()) {
    if (signal) await setImmediate(); // the signal comes by the event loop
    signal?.throwIfAborted();
    mkdirSync(String(one.configuration["dataDir"]), { recursive: true });
    const holder = (pods.get(one.pod) ?? hosts.get(one.pod))!;
    const attached = await attach(one, namesInside.pathOf(holder), hosts.get(one.host ?? "")?.netns ?? own);
    world.attached = [...world.attached, attached];
    if (isChange) announce(attached);
    if (i + 1 === toUnderlay.length) changeHosts(world, "connected");
    onProgress(i + 1, missing.length, one.pod);
  }
  changeHosts(world, "with pods");
}
