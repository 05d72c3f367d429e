/** The differences between two lab files, and the addresses that stay. Pure. */
import assert from "node:assert/strict";
import { formatAddress } from "../../ip/address.ts";
import type { Lab } from "../../lab/model/lab.ts";
import { readLab } from "../../lab/model/resolve.ts";
import { differences, emptyLab, stoppedBy, withJoining } from "../../lab/plan/differences.ts";
import { effects, hostParts, networkParts, podParts } from "../../lab/plan/parts.ts";

const read = (text: string, before?: Lab) => readLab({ file: "/lab/d.yaml", text })(before);

const addressesOf = ({ pods }: Lab) =>
  Object.fromEntries(
    pods.map(({ name, interfaces }) => [name, interfaces.flatMap((one) => one.addresses.map(formatAddress))]),
  );

const base = `
networks: { n: 10.1.0.0/29, m: ["10.2.0.0/24", "fd02::/64"] }
pods:
  a: { networks: n }
  b: { networks: [n, m] }
  c: { joins: b }
`;

describe("Differences between lab files", () => {
  const before = read(base);
  const stopped = (text: string) => [...stoppedBy(differences(before, read(text, before)))].sort();

  it("are none for the same file, and all for a lab that is not up", () => {
    assert.deepEqual(differences(before, read(`# a comment\n${base}`, before)), []);
    const all = differences(emptyLab(before), before);
    assert.deepEqual(
      all.map(({ what, name, change }) => [what, name, change]),
      [
        ...["n", "m"].map((name) => ["network", name, "added"]),
        ...["a", "b", "c"].map((name) => ["pod", name, "added"]),
        ["outside", "outside", "added"],
      ],
    );
    assert.deepEqual(
      differences(before, emptyLab(before)).map(({ change }) => change),
      all.map(() => "removed"),
    );
  });

  /** A change of each key of a pod, and the pods that it ends. */
  const ofPod: Readonly<Record<string, readonly [text: string, stopped: string[]]>> = {
    networks: ["b: { networks: [m, n] }", ["b", "c"]],
    publish: ['b: { networks: [n, m], publish: ["80:80"] }', ["b", "c"]],
    hostname: ["b: { networks: [n, m], hostname: x }", ["b", "c"]],
    sysctls: ["b: { networks: [n, m], sysctls: { net.ipv4.ip_default_ttl: 3 } }", ["b", "c"]],
    routes: ["b: { networks: [n, m], routes: { 10.9.0.0/24: 10.1.0.2 } }", ["b", "c"]],
    run: ["b: { networks: [n, m], run: x }", ["b", "c"]],
    env: ["b: { networks: [n, m], env: { A: b } }", ["b", "c"]],
    dns: ["b: { networks: [n, m], dns: false }", ["b", "c"]],
    serve: ["b: { networks: [n, m], serve: http:80 }", []],
  };

  for (const [key, [text, expected]] of Object.entries(ofPod)) {
    it(`${key} of a pod ${expected.length > 0 ? "restarts it and those that join it" : "restarts nothing"}, as the help says`, () => {
      assert.deepEqual(stopped(base.replace("b: { networks: [n, m] }", text)), expected);
      const row = effects().find(({ change }) => new RegExp(`\\b${key}\\b`).test(change))!;
      assert.equal(row.restarts, expected.length > 0 ? "the pod, and those that join it" : "nothing");
    });
  }

  it("of a network restart the pods on it; a router for a pod, or another pod to join, restart that", () => {
    for (const more of ["mtu: 1400", "masquerade: false", "internal: true", "isolate: pods", "gateway: false"])
      assert.deepEqual(
        stopped(base.replace("n: 10.1.0.0/29", `n: { subnets: [10.1.0.0/29], ${more} }`)),
        ["a", "b", "c"],
        more,
      );
    assert.deepEqual(
      stopped(base.replace("a: { networks: n }", "").replace("pods:", "routers: { a: { networks: n } }\npods:")),
      ["a"],
    );
    assert.deepEqual(stopped(base.replace("joins: b", "joins: a")), ["c"]);
    assert.deepEqual(stopped(`${base}  d: { networks: n }\n`), []);
    assert.deepEqual(stopped(base.replace(', "fd02::/64"', "")), ["b", "c", "outside"]);
  });

  it("are all in the help: each part of a pod, a network and a host", () => {
    const help = effects()
      .map(({ change }) => change)
      .join("\n");
    for (const { key } of [podParts, networkParts, hostParts].flatMap(
      (parts) => Object.values(parts) as { key: string }[],
    ))
      assert.ok(help.includes(key), key);
  });

  it("say which pod has the address of another now", () => {
    const after = read(base.replace("c: { joins: b }", "d: { networks: { n: 10.1.0.2 } }"), before);
    const [change] = differences(before, after).filter(({ name }) => name === "a");
    assert.deepEqual(change?.why, ["networks: n 10.1.0.2 → n 10.1.0.4", "10.1.0.2 is now d's"]);
  });

  it("restart what is dead, and what joins it", () => {
    assert.deepEqual([...stoppedBy(differences(before, before, new Set(["b"])))], ["b", "c"]);
    assert.deepEqual([...withJoining(before, ["b"])], ["b", "c"]);
  });

  it("leave addresses alone that were given automatically, whatever comes before them in the file", () => {
    const more = base.replace("pods:", "pods:\n  z: { networks: [n, m] }");
    const after = read(more, before);
    assert.deepEqual(addressesOf(after), { z: ["10.1.0.4", "10.2.0.3", "fd02::3"], ...addressesOf(before) });
    assert.deepEqual(addressesOf(read(more)), {
      z: ["10.1.0.2", "10.2.0.2", "fd02::2"],
      a: ["10.1.0.3"],
      b: ["10.1.0.4", "10.2.0.3", "fd02::3"],
      c: [],
    });
    assert.deepEqual(addressesOf(read(base.replace("10.1.0.0/29", "10.1.0.0/24"), before)), addressesOf(before));
    assert.deepEqual(addressesOf(read(base.replace("10.1.0.0/29", "10.7.0.0/24"), before))["a"], ["10.7.0.2"]);
    const fewer = read(base.replace("a: { networks: n }", ""), before);
    assert.deepEqual(addressesOf(read(`${base}  d: { networks: n }\n`.replace("a: { networks: n }", ""), fewer))["d"], [
      "10.1.0.2",
    ]);
  });

  it("find a subnet full although a pod left room, and say so at its place", () => {
    assert.throws(
      () =>
        read(base.replace("pods:", `pods:${[1, 2, 3, 4].map((i) => `\n  x${i}: { networks: n }`).join("")}`), before),
      /10\.1\.0\.0\/29 of n has no address left for x4/,
    );
  });
});
