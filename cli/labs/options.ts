/** Options that the commands of labs share. */
import { resolve } from "node:path";
import { labUp } from "../../lab/supervisor/client.ts";

export const labOptions = {
  lab: {
    type: "string",
    value: "NAME",
    about: "the lab (default: that of lab.yaml here, else the only one that is up)",
  },
} as const;

export const jsonOption = { json: { type: "boolean", about: "print JSON" } } as const;

/** The lab that is meant. Throws Fault. */
export const chosen = (options: { readonly lab?: string }) => labUp(options.lab, resolve("lab.yaml"));
