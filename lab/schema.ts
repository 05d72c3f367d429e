/** The JSON Schema of a lab file, for editors: scripts/build/validators.ts writes lab/ns-net-lab.schema.json from it. */
import { impairDirections, isolations, serverKinds, waysAcross } from "./file/labFile.ts";
import { hostname, label, labelMax, networksReserved, ofTheLab, podsReserved, sysctl, variable } from "./file/words.ts";

type Schema = Readonly<Record<string, unknown>>;

const text = { type: "string" };
/** Text that people may write as a number. */
const word = { type: ["string", "number"] };
const port = { type: "integer", minimum: 1, maximum: 65_535 };
const cidr = { type: "string", pattern: "^[0-9a-fA-F.:]+/[0-9]+$" };
const address = { type: "string", pattern: "^[0-9a-fA-F.:]+$" };

/** One value, or a list of them. */
const some = (schema: Schema): Schema => ({ anyOf: [schema, { type: "array", items: schema }] });

/** A map with these keys and no others, but for `x-…`. */
const map = (properties: Readonly<Record<string, Schema>>, description: string): Schema => ({
  type: ["object", "null"],
  description,
  properties,
  patternProperties: { "^x-": {} },
  additionalProperties: false,
});

const named = (schema: Schema, description: string, propertyNames?: Schema): Schema => ({
  type: ["object", "null"],
  description,
  ...(propertyNames && { propertyNames }),
  additionalProperties: schema,
});

const labels = (reserved: readonly string[]): Schema => ({
  pattern: label.source,
  maxLength: labelMax,
  not: { enum: reserved },
});

const network: Schema = {
  anyOf: [
    some(cidr),
    map(
      {
        subnets: some(cidr),
        gateway: {
          type: "boolean",
          default: true,
          description: "the bridge has each subnet's first address, and pods a default route",
        },
        masquerade: { type: "boolean", description: "default: as gateway" },
        internal: {
          type: "boolean",
          default: false,
          description: "the gateway answers, but nothing is forwarded out of or into it",
        },
        isolate: {
          enum: isolations,
          default: "none",
          description: "no packets from other networks, or not from neighbours either",
        },
        mtu: { type: "integer", minimum: 68, maximum: 65_535 },
        config: {
          type: "object",
          description: "further keys of a network configuration of type ns-net",
          propertyNames: { not: { enum: Object.keys(ofTheLab) } },
        },
      },
      "a network: a bridge on the lab's host",
    ),
  ],
};

const host: Schema = {
  anyOf: [
    address,
    {
      type: "object",
      properties: { address, mtu: { type: "integer", minimum: 1280, maximum: 65_535, default: 1500 } },
      required: ["address"],
      additionalProperties: false,
    },
  ],
};

const pod = map(
  {
    host: { ...text, description: "the host that it runs on; default: the first" },
    networks: {
      anyOf: [some(text), named({ anyOf: [{ type: "null" }, some(address)] }, "addresses by network")],
      description: "one name, a list, or a map with addresses; eth0, eth1 … in this order",
    },
    serve: {
      ...some({
        anyOf: [
          { type: "string", pattern: `^(${serverKinds.join("|")}):[0-9]+$` },
          {
            type: "object",
            properties: Object.fromEntries(serverKinds.map((kind) => [kind, port])),
            additionalProperties: false,
          },
        ],
      }),
      description: "built-in servers: http:80 (200 on any path, body: the pod's name), tcp:5432 and udp:53 (echo)",
    },
    publish: {
      ...some({
        anyOf: [
          { type: "string", pattern: "^([0-9.]+:|\\[[0-9a-fA-F:.]+\\]:)?[0-9]+:[0-9]+(/(tcp|udp))?$" },
          {
            type: "object",
            properties: { host: port, pod: port, protocol: { enum: ["tcp", "udp"] }, address },
            required: ["host", "pod"],
            additionalProperties: false,
          },
        ],
      }),
      description: "HOST:POD[/udp], as docker run --publish",
    },
    hostname: { ...word, pattern: hostname.source, description: "default: the pod's name" },
    sysctls: named(word, "settings of the pod's network namespace", { pattern: sysctl.source }),
    routes: named(address, "gateways by destination: a subnet or default"),
    run: { ...text, description: "run with sh -c; lab logs shows its output" },
    env: named(word, "environment of run, exec and shell", { pattern: variable.source }),
    joins: { ...text, description: "the pod whose network and UTS namespaces this one shares" },
    dns: { type: "boolean", default: true, description: "a DNS server on 127.0.0.53" },
  },
  "a pod",
);

/** The reader refuses what a router cannot have: publish and joins. */
const linkEnd: Schema = {
  anyOf: [
    { type: "string", pattern: "^\\S+(\\s+[0-9a-fA-F.:]+/[0-9]+)*$", description: "r1 172.16.0.1/30" },
    {
      type: "object",
      properties: { pod: text, addresses: some(cidr), name: { ...text, description: "the interface" } },
      required: ["pod"],
      additionalProperties: false,
    },
  ],
};
const linkEnds: Schema = { type: "array", items: linkEnd, minItems: 2, maxItems: 2 };
const link: Schema = {
  anyOf: [
    linkEnds,
    {
      type: "object",
      properties: { ends: linkEnds, mtu: { type: "integer", minimum: 68, maximum: 65_535 } },
      required: ["ends"],
      additionalProperties: false,
    },
  ],
};

const time = { type: "string", pattern: "^[0-9.]+(us|ms|s|m)$" };
const percentage = { type: "string", pattern: "^[0-9.]+%$" };
const impairment: Schema = {
  type: "object",
  properties: {
    at: { ...text, description: "web, web@front for one interface, r1@r2 for a link, node1 for one of several hosts" },
    direction: { enum: impairDirections, default: "both", description: "what the pod receives, sends, or both" },
    rate: { type: "string", pattern: "^[0-9.]+[a-zA-Z]+$", description: "10mbit" },
    ...{ delay: time, jitter: time, loss: percentage, duplicate: percentage, reorder: percentage, corrupt: percentage },
    down: { type: "boolean" },
  },
  required: ["at"],
  minProperties: 2,
  additionalProperties: false,
};

const test: Schema = {
  anyOf: [
    {
      type: "string",
      pattern: "^\\s*\\S+\\s+(->|-x->)\\s+\\S+\\s*$",
      description: "web -> api:80, or web -x-> api for what must not be reachable",
    },
    {
      type: "object",
      properties: {
        ...{ name: word, from: text, to: text, mtu: { type: "integer", minimum: 28, maximum: 65_535 } },
        expect: { ...word, description: "reachable, unreachable, or a text that the page contains" },
        within: { type: "string", pattern: "^[0-9.]+(ms|s|m)$", default: "2s" },
      },
      required: ["from", "to"],
      additionalProperties: false,
    },
  ],
};

export const labSchema: Schema = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "A lab of ns-net",
  ...map(
    {
      name: { type: "string", pattern: "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", maxLength: 32 },
      hosts: named(host, "namespaces that act as machines, by name: addresses of one /24", labels(podsReserved)),
      across: { enum: waysAcross, default: "vxlan", description: "how packets cross between hosts" },
      networks: named(network, "networks by name", labels(networksReserved)),
      pods: named(pod, "pods by name", labels(podsReserved)),
      outside: { enum: ["simulated", "none"], default: "simulated" },
      routers: named(pod, "pods that forward packets, by name", labels(podsReserved)),
      links: {
        type: "array",
        items: link,
        description: "links point to point between two pods or routers, without a bridge",
      },
      impair: some(impairment),
      tests: some(test),
    },
    "networks, pods and tests of one lab",
  ),
  type: "object",
  required: ["pods"],
};
