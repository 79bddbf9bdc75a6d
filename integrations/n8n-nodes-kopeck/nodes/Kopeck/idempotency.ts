/**
 * The Idempotency-Key of a request that moves money: the same for every attempt of the same item,
 * and never the same for two items. It holds no data of the item.
 */

/** What tells one piece of work from every other. */
export interface Work {
	instanceId: string;
	workflowId: string | undefined;
	nodeId: string;
	/** The execution that began the work. */
	executionId: string;
	/** Which run of the node it is: loops run a node many times in one execution. */
	run: number;
	item: number;
}

const MAX_CHARS = 255;

export function keyOf(work: Work): string {
	const { instanceId, workflowId, nodeId, executionId, run, item } = work;
	if (!executionId) {
		throw new Error('n8n gave no execution id: set an Idempotency Key, such as the order number');
	}
	const parts = [instanceId.slice(0, 16), workflowId ?? '', nodeId, executionId, run, item];
	return `n8n/${parts.join('/')}`;
}

/**
 * The execution that began this one. A failed execution that is tried again gets a new id, but keeps
 * the notes of its nodes, so the first id is noted there.
 */
export function originOf(notes: Record<string, unknown>, executionId: string): string {
	const noted = notes.kopeckExecution;
	if (typeof noted === 'string' && noted !== '') return noted;
	notes.kopeckExecution = executionId;
	return executionId;
}

/** A key that a person chose. */
export function checkKey(key: string): string {
	if (!/^[\x20-\x7e]+$/.test(key) || key.length > MAX_CHARS) {
		throw new Error(
			`The Idempotency Key takes 1 to ${MAX_CHARS} letters, digits and signs of ASCII: "order-4711"`,
		);
	}
	return key;
}
