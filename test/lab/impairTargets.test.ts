/** The interfaces that a place of an impairment means. */
import assert from "node:assert/strict";
import { targetsOf } from "../../lab/model/impair.ts";
import { labOf } from "../../lab/model/resolve.ts";

const lab = labOf({
  file: "places.yaml",
  text: `
networks: { front: 10.1.0.0/24 }
pods: { web: { networks: front } }
routers: { r1: { networks: front }, r2: {}, r3: {} }
links:
  - ["r1 172.16.0.1/30", "r2 172.16.0.2/30"]
  - ["r1 172.16.1.1/30", "r2 172.16.1.2/30"]
  - { ends: [{ pod: r2, addresses: [172.16.2.1/30] }, { pod: r3, addresses: [172.16.2.2/30], name: up }] }
`,
});

describe("The place of an impairment", () => {
  const places: readonly (readonly [at: string, interfaces: readonly string[]])[] = [
    ["web", ["eth0"]],
    ["web@front", ["eth0"]],
    ["r1", ["eth0", "r2", "r2.2"]],
    ["r1@r2", ["r2"]],
    ["r1@r2.2", ["r2.2"]],
    ["r3@r2", ["up"]],
    ["r3@up", ["up"]],
  ];
  for (const [at, interfaces] of places)
    it(`${at} is ${interfaces.join(", ")}`, () => {
      const targets = targetsOf(at, lab);
      assert.ok(!("message" in targets));
      assert.deepEqual(
        targets.map(({ ifname }) => ifname),
        interfaces,
      );
    });
});
