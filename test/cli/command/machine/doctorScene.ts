/** A machine for the doctor: a host with two networks of ns-net and an outside, on which faults are planted. */
import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { openScene, type Shape } from "../../../explain/path/scene.ts";

export interface Finding {
  readonly id: string;
  readonly status: "ok" | "warn" | "fail" | "skipped";
  readonly says: string;
  readonly cure: string;
}

export interface Report {
  readonly ok: boolean;
  readonly checks: readonly Finding[];
}

export interface Fault {
  readonly id: string;
  readonly status: "warn" | "fail";
  /** Lines of shell on the host (test/explain/path/scene.ts has the variables), and `$NETD`, the folder of configurations. */
  readonly plant: string;
  readonly says: RegExp;
  /** A pattern of the cure where it is no command that can be run here. */
  readonly cure?: RegExp;
}

export const netd = "/etc/cni/net.d";

/** The scene of explain, with the doctor. The folder of configurations is empty at the beginning. */
export function openWard(shape: Shape = {}) {
  rmSync(netd, { recursive: true, force: true });
  mkdirSync(netd, { recursive: true });
  const scene = openScene(shape);
  const { place } = scene;
  const binDir = `${place.folder}/bin`;
  mkdirSync(binDir);
  const examine = (...more: string[]): Report => {
    const { code, out, err } = place.cli("doctor", "--json", "--bin-dir", binDir, ...more);
    assert.equal(err, "");
    const report = JSON.parse(out) as Report;
    assert.equal(code, report.ok ? 0 : 1);
    assert.equal(report.ok, !report.checks.some(({ status }) => status === "fail"));
    return report;
  };
  return {
    ...scene,
    binDir,
    examine,
    of: (id: string) => examine().checks.filter((one) => one.id === id),
    shell: (lines: string) => scene.shell(`NETD=${netd} BIN=${binDir}\n${lines}`),
    [Symbol.dispose]() {
      rmSync(netd, { recursive: true, force: true });
      scene[Symbol.dispose]();
    },
  };
}

export const conflist = (name: string, plugin: object) =>
  JSON.stringify({ cniVersion: "1.0.0", name, plugins: [plugin] }).replaceAll("'", "");
export const write = (file: string, text: string) => `printf '%s' '${text}' >$NETD/${file}`;
export const range = (subnet: string) => ({ type: "ns-net", ranges: [[{ subnet }]] });

/** The command in a cure: behind words that say what else would help, if there are some. */
export const commandIn = (cure: string): string => /^[A-Z].*?: (.*)$/.exec(cure)?.[1] ?? cure;

export type Ward = ReturnType<typeof openWard>;

/** A test for each fault, on one machine: the fault is planted, named, cured by what is printed, and `clean` undoes the rest. */
export function testFaults(faults: readonly Fault[], clean: string, shape: Shape = {}): void {
  let ward: Ward;
  before(() => {
    ward = openWard(shape);
  });
  after(() => ward[Symbol.dispose]());
  for (const fault of faults) {
    it(`${fault.id}: ${fault.plant.split("\n")[0]!.slice(0, 90)}`, () => {
      try {
        testFault(ward, fault);
      } finally {
        ward.shell(`{ ${clean}; } >out 2>&1 || true`);
      }
    });
  }
}

function testFault(ward: Ward, { id, status, plant, says, cure }: Fault): void {
  ward.shell(plant);
  const all = ward.of(id);
  const found = all.filter((one) => one.status === status);
  const meant = found.find((one) => says.test(one.says));
  assert.ok(meant, JSON.stringify(all));
  if (cure) {
    assert.match(meant.cure, cure);
    return;
  }
  // Where two things are wrong, each has its cure.
  for (const one of found) ward.shell(`${commandIn(one.cure)} >out`);
  assert.deepEqual(
    ward.of(id).filter((one) => one.status !== "ok"),
    [],
  );
}
