/** All checks, in the order in which they are shown: what the machine has, then what networks need, then what is left. */
import type { Check } from "../finding.ts";
import { bridgeFilter } from "./bridgeFilter.ts";
import { capabilities } from "./capabilities.ts";
import { configurations } from "./configurations.ts";
import { connections } from "./connections.ts";
import { drift } from "./drift.ts";
import { firewall } from "./firewall.ts";
import { forwarding } from "./forwarding.ts";
import { ipv6 } from "./ipv6.ts";
import { kernelFeatures } from "./kernelFeatures.ts";
import { mtu } from "./mtu.ts";
import { neighbourTables } from "./neighbourTables.ts";
import { overlaps } from "./overlaps.ts";
import { pools } from "./pools.ts";
import { reversePath } from "./reversePath.ts";
import { sharedBridges } from "./sharedBridges.ts";
import { stale } from "./stale.ts";
import { versions } from "./versions.ts";

export const checks: readonly Check[] = [
  ...[capabilities, kernelFeatures, versions, configurations],
  ...[forwarding, reversePath, bridgeFilter, ipv6, firewall],
  ...[overlaps, sharedBridges, mtu],
  ...[connections, neighbourTables, pools],
  ...[stale, drift],
];
