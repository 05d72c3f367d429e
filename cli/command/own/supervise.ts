/** `ns-net lab supervise NAME`, which `lab up` starts: not for people. The name is for those who list processes. */
import { answer, probeVariable } from "../../../lab/supervisor/probe.ts";
import { supervise } from "../../../lab/supervisor/supervise.ts";

export default async (): Promise<number> => (process.env[probeVariable] ? answer() : supervise());
