/** Brings a lab up: from the host alone to the world that its file describes. */
import { openOwnNetns } from "../../sys/netns.ts";
import { mount } from "../../sys/sysRare.ts";
import { onlyHost } from "../model/hosts.ts";
import type { Lab } from "../model/lab.ts";
import { emptyLab } from "../plan/differences.ts";
import { NamesOfLab } from "../plan/names.ts";
import { change } from "./change.ts";
import { Children } from "./children.ts";
import { Commands } from "./commands/commands.ts";
import { PodFiles } from "./files.ts";
import { Impairments } from "./impair.ts";
import { interfaceOf } from "./interfaces.ts";
import { NamesInside } from "./namesInside.ts";
import type { OnProgress, World } from "./world.ts";

/** In the namespaces of this process. Throws the first failure; what was started ends with the process. */
export async function bringUp(lab: Lab, folder: string, onProgress: OnProgress): Promise<World> {
  const world = emptyWorld(lab, folder);
  if (lab.underlay === undefined) actAsHost(world, lab);
  const started = await change(world, { lab, stopped: new Set(), onProgress });
  await world.commands.settle(started);
  return world;
}

/** The namespaces of this process are those of the lab's only host. */
function actAsHost({ hosts, own, files }: World, lab: Lab): void {
  for (const one of files.mountsFor(onlyHost, new NamesOfLab(lab).seenFrom(onlyHost), false))
    mount(one.source, one.target, one.type, one.flags);
  const ended = new Promise<void>(() => {});
  hosts.set(onlyHost, { name: onlyHost, pid: process.pid, netns: own, isAlive: true, ended });
}

function emptyWorld(lab: Lab, folder: string): World {
  const children = new Children();
  const empty = emptyLab(lab);
  const world: World = {
    lab: empty,
    names: new NamesOfLab(empty),
    folder,
    own: openOwnNetns(),
    hosts: new Map(),
    hostSteps: new Map(),
    pods: new Map(),
    attached: [],
    links: [],
    servers: new Map(),
    commands: new Commands(children),
    impairments: new Impairments(
      () => world.lab,
      (target) => interfaceOf(target, world),
    ),
    children,
    files: new PodFiles(folder),
    namesInside: new NamesInside(folder),
  };
  return world;
}
