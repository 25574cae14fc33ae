import type { Command } from 'commander';
import type { Terminal } from './terminal.ts';

/** Adds a subcommand: `run` gets the terminal and whatever commander parsed. */
export type AddCommand = (
  parent: Command,
  words: string,
  description: string,
  run: (terminal: Terminal, command: Command) => Promise<number>,
) => Command;
