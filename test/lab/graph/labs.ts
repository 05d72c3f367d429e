/** Labs for pictures: small and large, with all that a picture shows. */
import { join } from "node:path";
import { sourceOf } from "../../../lab/file/readLabFile.ts";
import type { Lab } from "../../../lab/model/lab.ts";
import { labOf } from "../../../lab/model/resolve.ts";
import { examples } from "../person.ts";

export const labFrom = (text: string, name = "drawn"): Lab => labOf({ file: `${name}.yaml`, text });
export const example = (name: string): Lab => labOf(sourceOf(join(examples, `${name}.yaml`)));

/** Networks, a router between them, links, a long name, impairments, published ports, a pod that joins another. */
export const rich = labFrom(`
networks:
  front: 10.1.0.0/24
  back: { subnets: [10.2.0.0/24, "fd02::/64"], isolate: networks, mtu: 1400 }
  far: { subnets: [10.9.0.0/24], gateway: false }
pods:
  web: { networks: front, serve: [http:80, udp:53], publish: ["8080:80", "127.0.0.1:53:53/udp"] }
  api: { networks: [front, back], serve: http:8080 }
  db: { networks: back }
  log: { joins: web }
  a-name-of-many-characters-that-no-card-shows-in-full: { networks: back }
  deep: { networks: far }
routers:
  r1: { networks: { front: 10.1.0.20, far: 10.9.0.2 } }
  r2: {}
links:
  - ["r1 172.16.0.1/30", "r2 172.16.0.2/30"]
  - ["r1 172.16.1.1/30", "r2 172.16.1.2/30"]
impair:
  - { at: web, rate: 10mbit, loss: 1%, direction: in }
  - { at: db, down: true }
  - { at: r1@r2, delay: 20ms, jitter: 5ms }
tests:
  - web -> api
  - web -x-> 10.2.0.3
  - outside -> host:8080
`);

/** `count` pods on some networks; every tenth is on two. */
export function crowd(count: number, networks: number): Lab {
  const names = Array.from({ length: networks }, (_, i) => `net${i}`);
  const pods = Array.from({ length: count }, (_, i) => {
    const own = [names[i % networks]!, ...(i % 10 === 9 ? [names[(i + 1) % networks]!] : [])];
    return `  pod-${i}: { networks: [${[...new Set(own)].join(", ")}], serve: [http:80${i % 7 === 0 ? ", tcp:5432, udp:53" : ""}] }`;
  });
  const subnets = names.map((name, i) => `  ${name}: 10.${i + 1}.0.0/16`);
  return labFrom(["networks:", ...subnets, "pods:", ...pods, ""].join("\n"), `crowd-${count}`);
}
