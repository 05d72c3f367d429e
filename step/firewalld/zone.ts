/**
 * A container's address in a zone of firewalld; without it, firewalld rejects the container's packets. firewalld forgets
 * it when it is reloaded: CHECK reports that, and repair adds it again.
 */

import { defaultZone } from "../../conf/config/config.ts";
import { type Kind, missing } from "../kind.ts";
import { shellWord } from "../shellWords.ts";
import { type ZoneStep, zoneSteps } from "./source.ts";
import { addSource, hasSource, removeSource } from "./zones.ts";

export type { ZoneStep };

export const firewalldZone: Kind<ZoneStep> = {
  apply: (step) => addSource(step),
  undo: (step) => removeSource(step),
  leftover: {
    attachment: (_, { text, addresses }) => zoneSteps(text?.("firewalldZone") || defaultZone, addresses?.() ?? []),
  },
  check: (step) => (hasSource(step) ? [] : missing(`${step.source} in firewalld's zone ${step.zone}`)),
  reason: ({ zone }) => `firewalld treats the container's address as its zone ${zone} says.`,

  print: (step) => [`firewall-cmd --zone=${shellWord(step.zone)} --add-source=${step.source}`],
};
