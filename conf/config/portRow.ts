/** Ports in a row: ten thousand ports are one value. */
import type { PortMapping } from "./config.ts";

export function lastPort({ hostPort, count = 1 }: PortMapping): number {
  return hostPort + count - 1;
}

export function portsIn(mappings: readonly PortMapping[]): number {
  let sum = 0;
  for (const { count = 1 } of mappings) sum += count;
  return sum;
}

export function hasPort(mapping: PortMapping, port: number): boolean {
  return mapping.hostPort <= port && port <= lastPort(mapping);
}

/** One mapping a port. */
export function onePortEach<T extends PortMapping>(mapping: T): T[] {
  const { count = 1, ...first } = mapping;
  if (count === 1) return [mapping];
  const all: T[] = [];
  for (let i = 0; i < count; i++) {
    const ports = { hostPort: mapping.hostPort + i, containerPort: mapping.containerPort + i };
    all.push({ ...(first as T), ...ports });
  }
  return all;
}

/** The error for two mappings, in the given order, that lead one port of the host to two ports of the container. */
type Refusal<T> = (clash: { readonly first: T; readonly second: T; readonly port: number }) => Error;

/**
 * Joins mappings to as few rows as possible. `placeOf` answers what the port belongs to: its protocol and an address.
 * Throws what `refuse` answers.
 */
export function inRows<T extends PortMapping>(
  all: readonly T[],
  placeOf: (mapping: T) => string,
  refuse: Refusal<T>,
): T[] {
  if (all.length < 2) return [...all];
  const placed = all.map((mapping, order) => ({ mapping, order, place: placeOf(mapping) }));
  placed.sort((a, b) => {
    if (a.place !== b.place) return a.place < b.place ? -1 : 1;
    return a.mapping.hostPort - b.mapping.hostPort || a.order - b.order;
  });
  const rows: { mapping: T; order: number; place: string }[] = [];
  for (const one of placed) {
    const row = rows.at(-1);
    const { hostPort, containerPort } = one.mapping;
    const end = row && row.place === one.place ? lastPort(row.mapping) : -1;
    const isInRow = row !== undefined && containerPort - hostPort === row.mapping.containerPort - row.mapping.hostPort;
    if (row === undefined || hostPort > end + 1 || (hostPort === end + 1 && !isInRow)) rows.push(one);
    else if (isInRow) row.mapping = lengthened(row.mapping, Math.max(end, lastPort(one.mapping)));
    else {
      const [first, second] = row.order < one.order ? [row, one] : [one, row];
      throw refuse({ first: first.mapping, second: second.mapping, port: hostPort });
    }
  }
  return rows.map(({ mapping }) => mapping);
}

function lengthened<T extends PortMapping>(mapping: T, last: number): T {
  const count = last - mapping.hostPort + 1;
  return count === 1 ? mapping : { ...mapping, count };
}

/** The port of the container that a port of the host leads to. */
export function containerPortOf({ hostPort, containerPort }: PortMapping, port: number): number {
  return containerPort + port - hostPort;
}
