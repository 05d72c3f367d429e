/** The lab that a picture is asked of: one that is up, or a file. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { sourceOf } from "../../lab/file/readLabFile.ts";
import type { Diagram } from "../../lab/graph/diagram.ts";
import { diagramOf } from "../../lab/graph/diagramOf.ts";
import { labOf } from "../../lab/model/resolve.ts";
import { labsUp, labUp, live, running } from "../../lab/supervisor/client.ts";
import type { LabState } from "../../lab/supervisor/state.ts";

/** A lab that is up is drawn as it is, also if its file changed since. Throws Fault or BadLabFile. */
export async function diagramAsked(file: string | undefined, name: string | undefined): Promise<Diagram> {
  if (name !== undefined) return diagramUp(labUp(name, ""));
  const path = file ?? "lab.yaml";
  const state = labsUp().find((one) => one.file === resolve(path));
  if (state) return diagramUp(state);
  if (file === undefined && !existsSync(path)) return diagramUp(labUp(undefined, ""));
  return diagramOf(labOf(sourceOf(path)));
}

async function diagramUp(state: LabState): Promise<Diagram> {
  const [{ lab }, now] = await Promise.all([running(state), live(state)]);
  return diagramOf(lab, now);
}
