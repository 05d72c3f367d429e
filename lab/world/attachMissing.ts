/** Attaches the interfaces that a lab has and that the plugin did not make yet. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { attachingsOf, outsideAttaching } from "../plan/configuration.ts";
import { outsideSteps } from "../plan/steps.ts";
import { attach } from "./attach.ts";
import { hostLinkOf } from "./interfaces.ts";
import { applySteps } from "./settings.ts";
import type { OnProgress, World } from "./world.ts";

/** In the order of the file; outside comes first, because the host's default route leads there. */
export async function attachMissing(world: World, onProgress: OnProgress, signal?: AbortSignal): Promise<void> {
  const { lab, folder, pods, namesInside } = world;
  const dataDir = join(folder, "leases");
  mkdirSync(dataDir, { recursive: true });
  const wanted = [...(lab.outside ? [outsideAttaching(lab.outside, dataDir)] : []), ...attachingsOf(lab, dataDir)];
  const known = new Set(world.attached.map(keyOf));
  const missing = wanted.filter((one) => !known.has(keyOf(one)));
  for (const [i, one] of missing.entries()) {
    if (signal) await setImmediate(); // the signal comes by the event loop
    signal?.throwIfAborted();
    const attached = await attach(one, namesInside.pathOf(pods.get(one.pod)!));
    world.attached = [...world.attached, attached];
    if (one.pod === "outside") applySteps(outsideSteps(lab, hostLinkOf(attached.result)));
    onProgress(i + 1, missing.length, one.pod);
  }
}

const keyOf = ({ pod, ifname }: { readonly pod: string; readonly ifname: string }) => `${pod} ${ifname}`;
