/** What a model is to the runner. An adapter turns this into whatever its model speaks, and back. */
export interface ModelRequest {
  system: string;
  tools: readonly { name: string; description: string; input_schema: Record<string, unknown> }[];
  messages: readonly Message[];
}

export type Message =
  | { role: 'user'; text: string }
  | { role: 'assistant'; text: string; calls: readonly ToolCall[] }
  | { role: 'tool'; call_id: string; name: string; is_error: boolean; text: string; data: Record<string, unknown> };

export interface ToolCall {
  id: string;
  name: string;
  arguments: Record<string, unknown>;
}

/** Without calls the turn ends, and the person reads the text. */
export interface ModelTurn {
  text?: string | undefined;
  calls?: readonly Omit<ToolCall, 'id'>[] | readonly ToolCall[] | undefined;
}

export type Adapter = (request: ModelRequest) => Promise<ModelTurn>;

/** What `--model` names: a module that exports `createAdapter`, or a command that speaks JSON lines. */
export interface Model {
  name: string;
  ask: Adapter;
  close(): Promise<void>;
}
