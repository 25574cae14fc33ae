import { createInterface } from 'node:readline/promises';
import type { Ask } from './conversation.ts';
import type { Screen } from './screen.ts';

/** At a terminal the person answers; an empty line, Ctrl-D or "no" is a no. */
export function askAtTerminal(screen: Screen, interrupt: () => void): Ask {
  return async (plan, field) => {
    showQuestion(screen, plan);
    const lines = createInterface({ input: process.stdin, output: process.stdout });
    let answered = false;
    const closed = new Promise<string>((resolve) => {
      lines.once('close', () => {
        // Ctrl-D and Ctrl-C leave the cursor behind the question.
        if (!answered) process.stdout.write('\n');
        resolve('');
      });
      lines.once('SIGINT', () => {
        interrupt();
        lines.close();
      });
    });
    try {
      const question = lines.question(`   ${field} (Enter alone: no): `).then((text) => {
        answered = true;
        return text;
      });
      const typed = (await Promise.race([question, closed])).trim();
      return typed === '' || /^(n|no)$/i.test(typed) ? undefined : typed;
    } finally {
      lines.close();
    }
  };
}

/** Where nobody can be asked: types `id` in the person's place, and says so. */
export function answerInstead(screen: Screen, id: string): Ask {
  return async (question, field) => {
    showQuestion(screen, question);
    screen.say(`${field}: ${id}`);
    screen.say("(No terminal is attached: the demo's own handler typed this. At a terminal it is you who are asked.)");
    return id;
  };
}

function showQuestion(screen: Screen, question: string): void {
  screen.say('');
  screen.say('The server asks a person, and waits:');
  screen.answered(question);
}
