/** The value without properties that are undefined: the program treats an absent and an undefined one alike. */
export function onlySet<T>(value: T): T {
  if (Array.isArray(value)) return value.map(onlySet) as T;
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(entries.map(([key, one]) => [key, onlySet(one)])) as T;
}
