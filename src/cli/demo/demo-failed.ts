/** The story cannot go on; the message ends a sentence for the person. */
export class DemoFailed extends Error {}
