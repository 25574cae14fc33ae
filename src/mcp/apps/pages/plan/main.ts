import { readTime } from '../../../../contract/time.ts';
import { pageTools } from '../../page-names.ts';
import { element, foreign, part } from '../elements.ts';
import { callTimeoutMs, connect, wordsOf } from '../host.ts';
import { Planned } from './data.ts';
import { facts } from './facts.ts';

const typed = part('typed') as HTMLInputElement;
const [approve, decline] = [part('approve'), part('decline')];

/** What is to be answered; undefined before, and once it was. */
let open: { plan: string; nonce: string; confirmId: string; until: number } | undefined;
let sending = false;

const app = connect({
  name: 'plan',
  none: (why) => end(why, 'failed'),
  result(result) {
    const planned = Planned.safeParse(result);
    if (planned.success) return show(planned.data);
    // The same tool without a plan: it was carried out, or refused.
    part('state').textContent = result.isError ? 'Not done' : 'Done';
    part('title').replaceChildren();
    end(wordsOf(result).slice(0, 4000), result.isError ? 'failed' : 'done');
  },
});

function show({ structuredContent: { plan, approve_with }, _meta }: Planned): void {
  const asked = _meta?.['skybackup/approval'];
  part('state').textContent = `Plan ${plan.code}. Nothing has been changed.`;
  part('title').replaceChildren(foreign(plan.title));
  part('plan').replaceChildren(...facts(plan));
  part('ask').replaceChildren('Type ', foreign(plan.confirm_id, { class: 'id' }), ' to approve');
  const otherwise = [
    asked ? 'Or at a terminal: ' : 'To be approved at a terminal: ',
    element('code', {}, foreign(approve_with)),
  ];
  part('otherwise').replaceChildren(...otherwise);
  if (asked === undefined) return;
  open = { ...asked, confirmId: plan.confirm_id, until: readTime(plan.expires)?.getTime() ?? 0 };
  part('confirm').hidden = false;
  count();
}

/** How long it is valid; when it is not any more, nothing can be answered. */
function count(): void {
  if (open === undefined) return;
  const left = Math.ceil((open.until - Date.now()) / 60_000);
  if (left <= 0) {
    end(`Plan ${open.plan} has expired: nothing was changed. Ask for the same again to get a new plan.`, 'failed');
    return;
  }
  part('valid').textContent =
    `Valid for ${left} more minute${left === 1 ? '' : 's'}. Anything but this id, or Decline, changes nothing.`;
  setTimeout(count, 5000);
}

async function sayYes(): Promise<void> {
  if (open === undefined || sending) return;
  const given = typed.value.trim();
  if (given !== open.confirmId) {
    typed.setAttribute('aria-invalid', 'true');
    part('fault').replaceChildren(
      given === '' ? 'Type the id first: ' : 'This is not the id that the plan is about: it needs ',
      foreign(open.confirmId, { class: 'id' }),
    );
    typed.focus();
    return;
  }
  const { plan, nonce } = open;
  const words = await call(pageTools.approve, { code: plan, typed_id: given, nonce });
  if (words === undefined) return;
  end(`You approved plan ${plan}. Nothing has been changed yet: the same request, repeated, carries it out.`, 'done');
  await tell(plan);
}

async function sayNo(): Promise<void> {
  if (open === undefined || sending) return;
  const { plan } = open;
  const words = await call(pageTools.decline, { code: plan });
  if (words !== undefined) end(`You declined plan ${plan}: it is void, and nothing was changed.`, 'done');
}

/** The answer's words; undefined when it was no success, which is then said. */
async function call(name: string, args: Record<string, string>): Promise<string | undefined> {
  busy(true);
  part('fault').replaceChildren();
  typed.removeAttribute('aria-invalid');
  try {
    const answer = await app.callServerTool({ name, arguments: args }, { timeout: callTimeoutMs });
    if (!answer.isError) return wordsOf(answer);
    end(`${wordsOf(answer).slice(0, 1000)}\nNothing was changed.`, 'failed');
  } catch {
    part('fault').textContent =
      'The host did not pass this on: it is not known whether it counts. Try again, or use the terminal.';
  } finally {
    busy(false);
  }
  return undefined;
}

/** The model goes on when it is told to; a host that takes no messages leaves that to the person. */
async function tell(plan: string): Promise<void> {
  const words = `I approved plan ${plan} in its page. Repeat the same call now: it carries the plan out.`;
  const sent =
    app.getHostCapabilities()?.message !== undefined &&
    (await app.sendMessage({ role: 'user', content: [{ type: 'text', text: words }] }).then(
      ({ isError }) => !isError,
      () => false,
    ));
  if (!sent) part('otherwise').textContent = 'Now say in the conversation that you approved it.';
}

function busy(now: boolean): void {
  sending = now;
  for (const button of [approve, decline]) button.setAttribute('aria-disabled', String(now));
}

function end(words: string, look: 'done' | 'failed'): void {
  open = undefined;
  const outcome = part('outcome');
  const answering = part('confirm').contains(document.activeElement);
  part('confirm').hidden = true;
  part('otherwise').replaceChildren();
  outcome.className = look;
  outcome.textContent = words;
  // What had the focus is gone: without this it would be lost to the keyboard.
  if (answering) outcome.focus();
}

approve.addEventListener('click', () => void sayYes());
decline.addEventListener('click', () => void sayNo());
// No form: hosts may forbid those.
typed.addEventListener('keydown', (event) => {
  if (event.key === 'Enter') void sayYes();
});
