/**
 * For any input of a runtime: an answer, or a Fault with a code, a sentence and a cure. Never another error, never a
 * long one.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Fault } from "../../conf/fault.ts";
import { parseCollect, parseDelete, parseRequest, parseStatus } from "../../conf/parse.ts";
import { hostLinkName } from "../../kernel/linkNames.ts";
import { aliasOf, attachmentOfAlias, dataDirOfAlias, linkGroup } from "../../kernel/ownership.ts";
import { holds, mochaLimitMs } from "./property.ts";

const keys = [
  ...[
    "cniVersion",
    "name",
    "type",
    "bridge",
    "isGateway",
    "ipMasq",
    "mtu",
    "vlan",
    "vlanTrunk",
    "dataDir",
    "log",
    "dns",
  ],
  ...["ipam", "subnet", "ranges", "rangeStart", "rangeEnd", "gateway", "routes", "dst", "gw", "addresses", "address"],
  ...[
    "runtimeConfig",
    "ips",
    "mac",
    "portMappings",
    "hostPort",
    "bandwidth",
    "args",
    "cni",
    "prevResult",
    "interfaces",
  ],
  ...["cni.dev/valid-attachments", "containerID", "ifname", "__proto__", "constructor", "toString", "capabilities"],
];

const words = fc.oneof(
  fc.constantFrom("1.0.0", "1.1.0", "podnet", "bridge", "ns-net", "host-local", "static", "portmap", "eth0", "cni0"),
  fc.constantFrom(
    "10.1.0.0/24",
    "10.1.0.7",
    "fd00::/64",
    "::1",
    "0.0.0.0/0",
    "../../etc/passwd",
    "$(reboot)",
    "a\0b",
    "%n",
  ),
  fc.string({ unit: "binary", maxLength: 40 }),
);

const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: "small" },
    fc.oneof(words, fc.integer(), fc.double(), fc.boolean(), fc.constant(null)),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string({ maxLength: 8 })), tie("value"), { maxKeys: 8 }),
  ),
}));

/** A good configuration with some of its keys replaced: purely random ones are refused at the first check. */
const nearlyGood = fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 3 }).map((change) => ({
  cniVersion: "1.1.0",
  name: "podnet",
  type: "ns-net",
  ipam: { type: "host-local", subnet: "10.1.0.0/24" },
  "cni.dev/valid-attachments": [],
  ...change,
}));

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.oneof(value, nearlyGood).map((json) => new TextEncoder().encode(JSON.stringify(json) ?? "")),
);

const environment = fc
  .record({
    CNI_CONTAINERID: fc.oneof(fc.constant("web"), words),
    CNI_NETNS: fc.oneof(fc.constant("/run/netns/web"), words),
    CNI_IFNAME: fc.oneof(fc.constant("eth0"), words),
    CNI_PATH: words,
    CNI_ARGS: fc.oneof(fc.constant(""), words, fc.constant("IgnoreUnknown=1;IP=10.1.0.9")),
  })
  .map((env) => ({ ...env, CNI_NETNS_OVERRIDE: "" }));

const parsers = {
  ADD: parseRequest,
  CHECK: parseRequest,
  DEL: parseDelete,
  GC: parseCollect,
  STATUS: parseStatus,
} as const;

describe("Random input", function () {
  this.timeout(mochaLimitMs);

  for (const [verb, parse] of Object.entries(parsers)) {
    it(`to ${verb} is a request or a Fault`, () => {
      holds(fc.tuple(environment, bytes), ([env, stdin]) => {
        try {
          parse({ ...env, CNI_COMMAND: verb }, stdin);
        } catch (error) {
          assert.ok(error instanceof Fault, `${(error as Error).stack}`);
          assert.ok(error.code > 0 && error.code < 100 && error.message.length < 2000, error.message);
        }
        assert.equal(({} as Record<string, unknown>)["name"], undefined, "a prototype was changed");
      });
    });
  }

  const identifier = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/);
  const ifname = fc.stringMatching(/^[a-zA-Z0-9"'$()]{1,15}$/);

  const folder = fc.stringMatching(/^(\/[a-z \u00e4]{1,40}){1,6}$/);

  it("of names gives an alias that the kernel accepts and that names the attachment, or at least its network", () => {
    const named = fc.record({ network: identifier, container: identifier, ifname });
    holds(fc.tuple(named, folder), ([attachment, dataDir]) => {
      const alias = aliasOf(attachment, dataDir);
      assert.ok(Buffer.byteLength(alias) <= 255);
      assert.ok(["", dataDir].includes(dataDirOfAlias(alias)));
      const told = attachmentOfAlias(alias, hostLinkName(attachment), linkGroup(attachment.network));
      if (told?.ifname !== "-") assert.deepEqual({ ...(told ?? attachment) }, { ...attachment });
      else assert.equal(told.network, attachment.network);
    });
  });

  it("as an alias is no attachment unless its hash fits", () => {
    holds(fc.tuple(words, words, fc.integer()), ([alias, name, group]) => {
      assert.equal(attachmentOfAlias(alias, name, group), undefined);
    });
  });
});
