/** A running lab. It lives in the supervisor, whose network namespace is the lab's only host or the underlay of several. */
import type { Step } from "../../step/index.ts";
import type { Netns } from "../../sys/netns.ts";
import type { Lab, Link } from "../model/lab.ts";
import type { NamesOfLab } from "../plan/names.ts";
import type { Attached } from "./attach.ts";
import type { Children } from "./children.ts";
import type { Commands } from "./commands/commands.ts";
import type { PodFiles } from "./files.ts";
import type { Impairments } from "./impair.ts";
import type { NamesInside } from "./namesInside.ts";
import type { RunningPod } from "./pods/pods.ts";
import type { Listening } from "./servers/servers.ts";

/** Changed by change.ts alone, and the files that it calls. */
export interface World {
  lab: Lab;
  names: NamesOfLab;
  /** The lab's folder, for files and leases. */
  readonly folder: string;
  /** The namespace of this process: that of a lab's only host, or the underlay of several. */
  readonly own: Netns;
  readonly hosts: Map<string, RunningPod>;
  /** The steps that hosts have, by stage and name. */
  readonly hostSteps: Map<string, readonly Step[]>;
  /** The pods that run, and outside. */
  readonly pods: Map<string, RunningPod>;
  attached: readonly Attached[];
  /** The links that connect pods now. */
  links: readonly Link[];
  /** By pod, and then by what each serves. */
  readonly servers: Map<string, Map<string, Listening>>;
  readonly commands: Commands;
  readonly impairments: Impairments;
  readonly children: Children;
  readonly files: PodFiles;
  readonly namesInside: NamesInside;
}

/** Called for each thing that is done. */
export type OnProgress = (done: number, total: number, what: string) => void;
