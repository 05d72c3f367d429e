/**
 * Versions of the specification, oldest first. A result has the version of its configuration (SPEC.md, "Version
 * considerations").
 */
export const versions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const;

export type Version = (typeof versions)[number];

/** The version of a configuration without one. */
export const oldestVersion: Version = "0.1.0";

export const newestVersion: Version = "1.1.0";

export function isVersion(text: unknown): text is Version {
  return versions.includes(text as Version);
}

/** True if `version` is `least` or later. */
export function isAtLeast(version: Version, least: Version): boolean {
  return versions.indexOf(version) >= versions.indexOf(least);
}
