/** Brings a lab up: from the host alone to the world that its file describes. */
import { openOwnNetns } from "../../sys/netns.ts";
import { mount } from "../../sys/sysRare.ts";
import type { Lab } from "../model/lab.ts";
import { NamesOfLab } from "../plan/names.ts";
import { change } from "./change.ts";
import { Children } from "./children.ts";
import { Commands } from "./commands.ts";
import { PodFiles } from "./files.ts";
import { Impairments } from "./impair.ts";
import { interfaceOf } from "./interfaces.ts";
import { NamesInside } from "./namesInside.ts";
import type { OnProgress, World } from "./world.ts";

/** In the namespaces of this process. Throws the first failure; what was started ends with the process. */
export async function bringUp(lab: Lab, folder: string, onProgress: OnProgress): Promise<World> {
  const world = emptyWorld(lab, folder);
  for (const one of world.files.mountsFor("host", new NamesOfLab(lab).seenFrom("host"), false))
    mount(one.source, one.target, one.type, one.flags);
  const started = await change(world, { lab, stopped: new Set(), onProgress });
  await world.commands.settle(started);
  return world;
}

function emptyWorld(lab: Lab, folder: string): World {
  const children = new Children();
  const empty: Lab = { ...lab, networks: [], pods: [], links: [], impairments: [], outside: undefined, tests: [] };
  const world: World = {
    lab: empty,
    names: new NamesOfLab(empty),
    folder,
    host: openOwnNetns(),
    hostSteps: [],
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
    namesInside: new NamesInside(),
  };
  return world;
}
