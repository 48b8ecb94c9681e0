/** Strategic merge patches, as kustomize and kubectl apply them: maps are merged, and lists whose elements have a key. */

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
export type JsonMap = { [key: string]: Json }

/** Lists that are merged, and what tells their elements apart. All others are replaced. */
const KEYS: Readonly<Record<string, string>> = {
  containers: 'name',
  env: 'name',
  ports: 'containerPort',
  volumeMounts: 'mountPath',
  volumes: 'name',
}
const DELETE = { $patch: 'delete' }

const isMap = (value: Json | undefined): value is JsonMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isSame = (a: Json | undefined, b: Json | undefined) => JSON.stringify(a) === JSON.stringify(b)

/** An object as what it is in a file. */
export function toJson(value: object): JsonMap {
  return JSON.parse(JSON.stringify(value))
}

/** What makes `to` of `from`; nothing in it when they are the same. */
export function createPatch(from: JsonMap, to: JsonMap): JsonMap {
  const patch: JsonMap = {}
  for (const key of Object.keys(from)) if (!(key in to)) patch[key] = null
  for (const [name, value] of Object.entries(to)) {
    const before = from[name]
    if (isSame(before, value)) continue
    const key = KEYS[name]
    if (isMap(before) && isMap(value)) patch[name] = createPatch(before, value)
    else if (key && Array.isArray(before) && Array.isArray(value))
      patch[name] = patchList(key, before as JsonMap[], value as JsonMap[])
    else patch[name] = value
  }
  return patch
}

function patchList(key: string, from: readonly JsonMap[], to: readonly JsonMap[]): JsonMap[] {
  const find = (list: readonly JsonMap[], { [key]: id }: JsonMap) => list.find((each) => each[key] === id)
  const gone = from.filter((each) => !find(to, each)).map((each) => ({ [key]: each[key]!, ...DELETE }))
  const changed = to.flatMap((each) => {
    const before = find(from, each)
    if (!before) return [each]
    return isSame(before, each) ? [] : [{ [key]: each[key]!, ...createPatch(before, each) }]
  })
  return [...changed, ...gone]
}

/** An object with a patch applied; what is new in a list comes at its end. */
export function applyPatch(to: JsonMap, patch: JsonMap): JsonMap {
  const result = { ...to }
  for (const [name, value] of Object.entries(patch)) {
    const before = result[name]
    const key = KEYS[name]
    if (value === null) delete result[name]
    else if (isMap(before) && isMap(value)) result[name] = applyPatch(before, value)
    else if (key && Array.isArray(before) && Array.isArray(value))
      result[name] = applyList(key, before as JsonMap[], value as JsonMap[])
    else result[name] = value
  }
  return result
}

function applyList(key: string, to: readonly JsonMap[], patches: readonly JsonMap[]): JsonMap[] {
  const list = [...to]
  for (const { $patch, ...patch } of patches) {
    const index = list.findIndex((each) => each[key] === patch[key])
    if ($patch === 'delete') list.splice(index, 1)
    else if (index < 0) list.push(patch)
    else list[index] = applyPatch(list[index]!, patch)
  }
  return list
}

/** With merged lists in the order of their keys: tools put what is new at either end. */
export function sortLists(value: Json, name = ''): Json {
  if (Array.isArray(value)) {
    const list = value.map((each) => sortLists(each))
    const key = KEYS[name]
    if (!key) return list
    const rank = (each: Json) => JSON.stringify([(each as JsonMap)[key] ?? null, each])
    return list.sort((a, b) => rank(a).localeCompare(rank(b)))
  }
  return isMap(value)
    ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, sortLists(each, key)]))
    : value
}
