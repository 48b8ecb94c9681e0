/** What an expression is made of. `at` is an index in its text. */
export type Node =
  | { kind: 'literal'; value: null | boolean | number | string; float?: true; at: number }
  | { kind: 'array'; items: Node[]; at: number }
  | { kind: 'map'; entries: [key: Node, value: Node][]; at: number }
  | { kind: 'name'; name: string; at: number }
  | { kind: 'unary'; operator: string; operand: Node; at: number }
  | { kind: 'binary'; operator: string; left: Node; right: Node; at: number }
  | { kind: 'conditional'; test: Node; yes: Node; no: Node; at: number }
  | { kind: 'member'; object: Node; name: string; optional: boolean; at: number }
  | { kind: 'index'; object: Node; index: Node; optional: boolean; at: number }
  | { kind: 'slice'; object: Node; from: Node | undefined; to: Node | undefined; at: number }
  | { kind: 'call'; name: string; args: Node[]; at: number }
  | { kind: 'method'; object: Node; name: string; optional: boolean; args: Node[]; at: number }
  | { kind: 'let'; name: string; value: Node; body: Node; at: number }
