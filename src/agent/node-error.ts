/** What could not be done to the node; a label of node-cache's counter. */
export type NodeProblem = 'interface_add' | 'interface_check' | 'iptables' | 'iptables_lock'

/** Link, addresses or rules are not as they should be. */
export class NodeError extends Error {
  override name = 'NodeError'
  readonly problem: NodeProblem

  constructor(message: string, problem: NodeProblem) {
    super(message)
    this.problem = problem
  }
}
